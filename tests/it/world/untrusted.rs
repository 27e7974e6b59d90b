//! A TLS server whose certificate nobody vouches for. It was made for these tests, for localhost
//! and a hundred years, so that this is its only fault; its key is a secret of nothing.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::world::server::Watched;
use crate::world::use_ring;

const CERTIFICATE: &[u8] = include_bytes!("../../certificates/untrusted.pem");
const KEY: &[u8] = include_bytes!("../../certificates/untrusted.key.pem");

pub(crate) struct Untrusted {
    address: SocketAddr,
    /// What the first client said once it was safe from others' ears, when it has gone.
    heard: Arc<Watched<Option<Vec<u8>>>>,
}

impl Untrusted {
    /// Serves one client.
    pub(crate) fn start() -> Self {
        use_ring();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let heard: Arc<Watched<Option<Vec<u8>>>> = Arc::default();
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let said = listen(client);
            told.change(|it| *it = Some(said));
        });
        Self { address, heard }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All that its client said.
    pub(crate) fn heard(&self) -> Vec<u8> {
        assert!(self.heard.wait(Option::is_some), "nobody came, or stayed");
        self.heard.see(Clone::clone).unwrap_or_default()
    }
}

fn listen(client: TcpStream) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("its key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
    let mut said = Vec::new();
    // The client breaks off; what counts is what came before.
    drop(StreamOwned::new(connection, client).read_to_end(&mut said));
    said
}
