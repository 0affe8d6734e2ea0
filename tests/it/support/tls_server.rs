//! A TLS server on loopback that stands where a plugin looks for its service.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The running server; it ends with this value.
pub(crate) struct TlsServer {
    address: SocketAddr,
    root: PathBuf,
    names: Vec<String>,
    handle: axum_server::Handle<SocketAddr>,
    _folder: tempfile::TempDir,
}

impl TlsServer {
    /// Serves `app` under `names`, by a certificate of a root of its own.
    pub(crate) fn start(names: &[&str], app: Router) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (tls, root_pem) = tls(names);
        let root = folder.path().join("root.pem");
        std::fs::write(&root, root_pem).expect("a file");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket of tokio's");
        let address = socket.local_addr().expect("an address");
        let handle = axum_server::Handle::new();
        let server = axum_server::from_tcp_rustls(socket, RustlsConfig::from_config(Arc::new(tls)));
        tokio::spawn(server.expect("a listening socket").handle(handle.clone()).serve(app.into_make_service()));
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { address, root, names, handle, _folder: folder }
    }

    /// The value of `plugins.connect_overrides` that leads every name here.
    pub(crate) fn connect_overrides(&self) -> String {
        let entries = self.names.iter().map(|name| format!("\"{name}:443\" = \"{}\"", self.address));
        format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
    }

    /// Its root certificate's file.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn tls(names: &[&str]) -> (rustls::ServerConfig, String) {
    let mut of_root = CertificateParams::new(Vec::new()).expect("no names");
    of_root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(of_root, KeyPair::generate().expect("a key")).expect("a root");
    let key = KeyPair::generate().expect("a key");
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let leaf = CertificateParams::new(names).expect("names").signed_by(&key, &root).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .expect("a certificate and its key");
    (tls, root.pem())
}
