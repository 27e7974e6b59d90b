//! Channels as configured → [`Channel`], with every secret read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::channel::http::Http;
use crate::channel::slack::SlackWay;
use crate::channel::{
    Channel, Way, apprise, desktop, discord, email, exec, matrix, ntfy, slack, telegram, webhook,
    webpush,
};
use crate::config::channels::{
    Apprise, ChannelConfig, Discord, Email, Exec, Kind, Matrix, Ntfy, Slack, Telegram, Tls,
    Webhook, Webpush,
};
use crate::config::fault::{Fault, Faults};
use crate::config::file::SecretRef;
use crate::config::read_secret;
use crate::fetch::Limits;
use crate::message::Message;
use crate::message::templates::Templates;
use crate::secret::Secret;

/// Every channel under its name, or what is wrong with any.
pub fn open(
    written: &[ChannelConfig],
    limits: &Limits,
    templates: &Arc<Templates>,
) -> Result<Vec<(String, Channel)>, Faults> {
    let mut faults = Faults::default();
    let mut open = Vec::new();
    let limits = Limits {
        total: Duration::from_secs(30),
        ..limits.clone()
    };
    for channel in written {
        match way(&channel.kind, &limits, templates) {
            Ok(way) => {
                let templates = Arc::clone(templates);
                open.push((channel.name.clone(), Channel { templates, way }));
            }
            Err(message) => {
                let (file, line) = &channel.where_written;
                let message = format!("channel \"{}\": {message}", channel.name);
                faults.push(Fault::new(file, *line, message));
            }
        }
    }
    faults.or(open)
}

fn way(kind: &Kind, limits: &Limits, templates: &Templates) -> Result<Way, String> {
    Ok(match kind {
        Kind::Terminal => Way::Terminal,
        Kind::Desktop(it) => Way::Desktop(desktop::Desktop {
            bus: it.bus.clone(),
        }),
        Kind::Ntfy(it) => Way::Ntfy(it.open(limits)?),
        Kind::Slack(it) => Way::Slack(it.open(limits)?),
        Kind::Discord(it) => Way::Discord(it.open(limits)?),
        Kind::Telegram(it) => Way::Telegram(it.open(limits)?),
        Kind::Matrix(it) => Way::Matrix(it.open(limits)?),
        Kind::Email(it) => Way::Email(Box::new(it.open()?)),
        Kind::Webhook(it) => Way::Webhook(it.open(limits, templates)?),
        Kind::Apprise(it) => Way::Apprise(it.open(limits)?),
        Kind::Exec(it) => Way::Exec(it.open()?),
        Kind::Webpush(it) => Way::Webpush(it.open(limits)?),
    })
}

impl Ntfy {
    fn open(&self, limits: &Limits) -> Result<ntfy::Ntfy, String> {
        let http = Http::of(limits, self.allow_private);
        let (mut server, _) = address(http, &self.url)?;
        let topic = server.path().trim_matches('/').to_owned();
        if topic.is_empty() || topic.contains('/') {
            return Err("url must be the topic's, like https://ntfy.sh/my-topic".to_owned());
        }
        server.set_path("/");
        Ok(ntfy::Ntfy {
            client: http.client()?,
            server,
            topic: Secret::new(topic),
            token: secret(self.secret.as_ref())?,
            replace: self.replace,
        })
    }
}

impl Webpush {
    fn open(&self, limits: &Limits) -> Result<webpush::Webpush, String> {
        Ok(webpush::Webpush {
            client: Http::of(limits, self.allow_private).client()?,
            key: Arc::new(webpush::Key::read(&read_secret(&self.secret)?)?),
            contact: self.contact.clone(),
            ttl: self.ttl.0,
            audience: Arc::default(),
        })
    }
}

impl Slack {
    fn open(&self, limits: &Limits) -> Result<slack::Slack, String> {
        let http = Http::of(limits, self.allow_private);
        let way = if let (Some(token), Some(to)) = (&self.secret, &self.to) {
            SlackWay::Bot {
                api: root(http, self.url.as_ref(), "https://slack.com/api/")?,
                token: read_secret(token)?,
                to: to.clone(),
            }
        } else {
            let url = self.url.as_ref().ok_or("url is missing")?;
            SlackWay::Webhook(address(http, url)?.1)
        };
        Ok(slack::Slack {
            client: http.client()?,
            way,
        })
    }
}

impl Discord {
    fn open(&self, limits: &Limits) -> Result<discord::Discord, String> {
        let http = Http::of(limits, self.allow_private);
        Ok(discord::Discord {
            url: address(http, &self.url)?.1,
            client: http.client()?,
        })
    }
}

impl Telegram {
    fn open(&self, limits: &Limits) -> Result<telegram::Telegram, String> {
        let http = Http::of(limits, self.allow_private);
        let token = read_secret(&self.secret)?;
        let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
        if token.reveal().is_empty() || !token.reveal().chars().all(is_token) {
            return Err("secret must be a bot's token, like 123456:ABC-def".to_owned());
        }
        Ok(telegram::Telegram {
            api: root(http, self.url.as_ref(), "https://api.telegram.org/")?,
            client: http.client()?,
            token,
            to: self.to.clone(),
            thread: self.thread,
        })
    }
}

impl Matrix {
    fn open(&self, limits: &Limits) -> Result<matrix::Matrix, String> {
        let http = Http::of(limits, self.allow_private);
        if !self.to.starts_with('!') {
            return Err("to must be the room's id, which begins with !".to_owned());
        }
        Ok(matrix::Matrix {
            server: address(http, &self.url)?.0,
            client: http.client()?,
            token: read_secret(&self.secret)?,
            room: self.to.clone(),
        })
    }
}

impl Email {
    fn open(&self) -> Result<email::Email, String> {
        let password = secret(self.secret.as_ref())?;
        let credentials = self.user.clone().zip(password);
        // An IPv6 address is written in brackets where a port may follow it.
        let bare = self
            .host
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'));
        let host = bare.unwrap_or(&self.host).to_owned();
        if self.tls == Tls::None && credentials.is_some() && !is_own(&host) {
            return Err("tls = \"none\" would send the password in the open".to_owned());
        }
        let ca = match &self.ca {
            Some(path) => Some(
                std::fs::read(path).map_err(|error| format!("ca {}: {error}", path.display()))?,
            ),
            None => None,
        };
        let tls = || email::secure::Tls::new(&host, ca.as_deref());
        let (security, usual) = match self.tls {
            Tls::Implicit => (email::Security::Implicit(tls()?), 465),
            Tls::Starttls => (email::Security::Starttls(tls()?), 587),
            Tls::None => (email::Security::None, 25),
        };
        let to: Result<_, String> = self.to.iter().map(|it| email::mailbox("to", it)).collect();
        Ok(email::Email {
            host,
            port: self.port.unwrap_or(usual),
            security,
            credentials,
            from: email::mailbox("from", &self.from)?,
            to: to?,
            taken: Arc::default(),
        })
    }
}

impl Webhook {
    fn open(&self, limits: &Limits, templates: &Templates) -> Result<webhook::Webhook, String> {
        let http = Http::of(limits, self.allow_private);
        if let Some(body) = &self.body {
            for sample in Message::samples() {
                templates
                    .message(body, &sample)
                    .map_err(|error| format!("body: {error}"))?;
            }
        }
        Ok(webhook::Webhook {
            url: address(http, &self.url)?.1,
            client: http.client()?,
            secret: secret(self.secret.as_ref())?,
            body: self.body.clone(),
            headers: webhook::headers(&secrets(&self.headers)?)?,
        })
    }
}

impl Apprise {
    fn open(&self, limits: &Limits) -> Result<apprise::Apprise, String> {
        let http = Http::of(limits, self.allow_private);
        let (parsed, url) = address(http, &self.url)?;
        if self.urls.is_none() && parsed.path().trim_end_matches('/').ends_with("/notify") {
            return Err(
                "url must end in the key of a configuration, like …/notify/my-key; or give urls"
                    .to_owned(),
            );
        }
        Ok(apprise::Apprise {
            url,
            client: http.client()?,
            urls: secret(self.urls.as_ref())?,
            tag: self.tag.clone(),
        })
    }
}

impl Exec {
    fn open(&self) -> Result<exec::Exec, String> {
        let (program, arguments) = self.command.split_first().ok_or("command is empty")?;
        let program = found(program, &self.directory)?;
        Ok(exec::Exec {
            program,
            arguments: arguments.to_vec(),
            // The folder of a file that is named without one.
            directory: Path::new(".").join(&self.directory),
            env: secrets(&self.env)?,
            timeout: self.timeout.0,
        })
    }
}

/// A name alone is looked for where programs are; a path begins at the configuration's folder.
fn found(program: &str, directory: &Path) -> Result<std::path::PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates: Vec<std::path::PathBuf> = if program.contains('/') {
        vec![directory.join(program)]
    } else {
        std::env::split_paths(&path)
            .map(|it| it.join(program))
            .collect()
    };
    let found = candidates.into_iter().find(|it| it.is_file());
    let found = found.ok_or_else(|| format!("command: there is no program {program}"))?;
    std::path::absolute(found).map_err(|error| format!("command: {error}"))
}

fn address(http: Http<'_>, written: &SecretRef) -> Result<(Url, Secret), String> {
    http.address(read_secret(written)?)
}

fn root(http: Http<'_>, written: Option<&SecretRef>, usual: &str) -> Result<Url, String> {
    let written = written.map(read_secret).transpose()?;
    http.root(written.unwrap_or_else(|| Secret::new(usual)))
}

fn secret(written: Option<&SecretRef>) -> Result<Option<Secret>, String> {
    written.map(read_secret).transpose()
}

fn secrets(written: &BTreeMap<String, SecretRef>) -> Result<BTreeMap<String, Secret>, String> {
    let read = |(name, value): (&String, &SecretRef)| Ok((name.clone(), read_secret(value)?));
    written.iter().map(read).collect()
}

/// Whether what is sent there does not leave this machine.
fn is_own(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|it: std::net::IpAddr| it.is_loopback())
}
