//! Which addresses may be reached: http and https, and by default only the public Internet.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::runtime::Runtime;
use url::Url;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    #[default]
    Public,
    Anywhere,
}

impl Reach {
    /// Scheme, and address where the URL names one; names are judged when they are resolved.
    pub fn permits(self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "{}: is not fetched, only http and https are",
                url.scheme()
            ));
        }
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => IpAddr::from(address),
            Some(url::Host::Ipv6(address)) => IpAddr::from(address),
            _ => return Ok(()),
        };
        if self == Self::Anywhere || is_public(address) {
            return Ok(());
        }
        Err(format!(
            "{address} is a private address; set allow_private = true for this feed if that is meant"
        ))
    }
}

/// Names looked up at once.
pub const LOOKUPS_AT_ONCE: usize = 128;

/// Threads for the system's resolver, which holds one for each name, half a minute where no name
/// server answers: of their own, so that documents and the archive never wait for names. More than there
/// are visits under way (`daemon::gates`), so that no name waits behind dead ones.
static LOOKUPS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(LOOKUPS_AT_ONCE)
        .thread_stack_size(512 * 1024)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .expect("a runtime without drivers asks nothing of the system")
});

/// Resolves names, for public feeds without the addresses that are not public, so that a name
/// cannot be pointed at the inside of the network after it was checked.
pub(super) struct Names(pub(super) Reach);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let lookup = move || {
                let found = (host.as_str(), 0).to_socket_addrs();
                found.map(Iterator::collect::<Vec<_>>)
            };
            let mut found = LOOKUPS.spawn_blocking(lookup).await??;
            let n = found.len();
            found.retain(|it| reach == Reach::Anywhere || is_public(it.ip()));
            if found.is_empty() && n > 0 {
                let refusal = "resolves to private addresses only; set allow_private = true for this feed if that is meant";
                return Err(format!("{} {refusal}", name.as_str()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Addresses of the public Internet, by the IANA special-purpose registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19))
                // Azure's metadata service has an address that looks public.
                || v4.octets() == [168, 63, 129, 16])
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            if let Some(v4) = v6.to_ipv4() {
                return is_public(IpAddr::from(v4));
            }
            // NAT64 carries an IPv4 address in its last 32 bits.
            if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
                let [.., a, b, c, d] = v6.octets();
                return is_public(IpAddr::from([a, b, c, d]));
            }
            // Global unicast, without protocol assignments (Teredo carries an IPv4 address too),
            // documentation and 6to4.
            (first & 0xe000) == 0x2000
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && first != 0x2002
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, public: bool) {
        assert_eq!(
            is_public(address.parse().expect("address")),
            public,
            "{address}"
        );
    }

    #[test]
    fn only_public_addresses_are_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "64:ff9b::7f00:1",
            "224.0.0.1",
            "255.255.255.255",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "fec0::1",
            "100::1",
            "64:ff9b:1::7f00:1",
            "::7f00:1",
            "168.63.129.16",
        ] {
            check(inside, false);
        }
        for outside in [
            "1.1.1.1",
            "2606:4700::1111",
            "2001:200::1",
            "64:ff9b::101:101",
            "172.32.0.1",
            "100.128.0.1",
        ] {
            check(outside, true);
        }
    }

    #[test]
    fn other_schemes_and_private_literals_are_refused() {
        for url in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://0x7f.1/",
        ] {
            let url = Url::parse(url).expect("url");
            assert!(Reach::Public.permits(&url).is_err(), "{url}");
        }
    }
}
