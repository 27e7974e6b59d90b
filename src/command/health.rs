//! `health`: asks the running service how it is, for a container's HEALTHCHECK and for scripts.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::command::{Context, Done};

#[derive(Debug, Args)]
pub(super) struct Health {
    /// Ask whether it is ready, not only whether it is alive
    #[arg(long)]
    ready: bool,
}

/// A service that takes longer is not well.
const LIMIT: Duration = Duration::from_secs(5);

impl Health {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let Some(web) = &config.web else {
            bail!("there is no [web] in the configuration, which answers this");
        };
        let token = match web.credential() {
            // On this machine none is needed.
            Some(_) => None,
            None => web.open()?.token,
        };
        let address = reachable(web.listen);
        let path = if self.ready { "/readyz" } else { "/healthz" };
        let mut stream = TcpStream::connect_timeout(&address, LIMIT)
            .with_context(|| format!("nothing answers at http://{address}"))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let authorization = token.map_or(String::new(), |it| {
            format!("Authorization: Bearer {}\r\n", it.reveal())
        });
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .with_context(|| format!("http://{address}{path} gives no whole answer"))?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |it| it.1);
        say!("{body}")?;
        Ok(if status == "200" {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// A service that listens at every address of this machine is asked at its own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(it) if it.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(it) if it.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, listen.port())
}
