//! What channels by HTTP have in common: which addresses they may reach, within what limits.

use reqwest::Client;
use url::Url;

use crate::fetch::reach::Reach;
use crate::fetch::{Limits, client};
use crate::secret::Secret;

#[derive(Debug, Clone, Copy)]
pub struct Http<'a> {
    limits: &'a Limits,
    reach: Reach,
}

impl<'a> Http<'a> {
    pub fn of(limits: &'a Limits, allow_private: bool) -> Self {
        let reach = if allow_private {
            Reach::Anywhere
        } else {
            Reach::Public
        };
        Self { limits, reach }
    }

    pub fn client(self) -> Result<Client, String> {
        client(self.limits, self.reach).map_err(|error| error.to_string())
    }

    /// The address as it is read, and as it was given, for it is often a secret.
    pub fn address(self, text: Secret) -> Result<(Url, Secret), String> {
        let url = Url::parse(text.reveal()).map_err(|error| format!("url: {error}"))?;
        self.reach
            .permits(&url)
            .map_err(|message| message.replace("this feed", "this channel"))?;
        Ok((url, text))
    }

    /// The address of an API whose requests are named below it.
    pub fn root(self, text: Secret) -> Result<Url, String> {
        let (mut url, _) = self.address(text)?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    }
}
