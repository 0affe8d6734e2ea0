//! The listener, plain or with TLS, until shutdown.

mod capped;
mod prompt;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use axum_server::Handle;
use capped::{Capped, Connections};
use hyper_util::rt::TokioTimer;
use prompt::Prompt;
pub use tls::{TlsFiles, TlsIdentity};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{background, router};

/// Why listening failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket cannot be used.
    #[error("cannot serve on this socket")]
    Socket(#[from] std::io::Error),
    /// The certificate file.
    #[error("cannot read a certificate chain from {}", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The key file.
    #[error("cannot read a private key from {}", path.display())]
    PrivateKey {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// They do not match.
    #[error("the certificate and the private key cannot be used for TLS")]
    Tls(#[from] rustls::Error),
}

/// Serves on a bound socket until `shutdown`, then gives requests in flight the
/// configured time to end and persists what is pending.
///
/// # Errors
///
/// Where the socket cannot be used.
pub async fn serve(
    app: App,
    socket: TcpListener,
    tls: Option<TlsIdentity>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    socket.set_nonblocking(true)?;
    let handle = Handle::new();
    let background_end = CancellationToken::new();
    let background = tokio::spawn(background::run(app.clone(), background_end.clone()));
    let drain = tokio::spawn({
        let (handle, app) = (handle.clone(), app.clone());
        async move {
            shutdown.cancelled().await;
            // Event streams would use up the whole grace period.
            app.closing().cancel();
            let grace = app.config().drain_timeout;
            handle.graceful_shutdown(Some(grace));
        }
    });
    let watched = tls.clone().map(|tls| tokio::spawn(tls.watch()));
    let served = listen(&app, socket, tls, handle).await;
    drain.abort();
    watched.inspect(tokio::task::JoinHandle::abort);
    // Last, so that it persists what the last requests left pending.
    background_end.cancel();
    if let Err(error) = background.await {
        tracing::error!(%error, "the background work failed");
    }
    Ok(served?)
}

async fn listen(
    app: &App,
    socket: TcpListener,
    tls: Option<TlsIdentity>,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let timeout = app.config().head_timeout;
    let config = app.config();
    let trusted = config.trusted_proxies.clone();
    let connections = Connections::new(config.connections_per_address, config.connections, trusted);
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => {
            let mut server = axum_server::from_tcp(socket)?.handle(handle).map(|inner| {
                let inner = Prompt { inner, timeout };
                Capped { inner, connections }
            });
            set_limits(app, server.http_builder());
            server.serve(service).await
        }
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(socket, tls.config)?.handle(handle);
            let mut server = server.map(|inner| {
                let inner = Prompt { inner, timeout };
                Capped { inner, connections }
            });
            set_limits(app, server.http_builder());
            server.serve(service).await
        }
    }
}

/// Closes idle and dead connections, and bounds what is buffered unread.
fn set_limits<E>(app: &App, builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    let timeout = app.config().head_timeout;
    builder.http1().timer(TokioTimer::new()).header_read_timeout(timeout).max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(timeout)
        .keep_alive_timeout(timeout)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(MAX_STREAMS);
}

/// For a request's line and headers; also what is buffered of an HTTP/1 body before a
/// handler reads it.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The same for HTTP/2: for one request's body, and for all on a connection.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 128 * 1024;
const MAX_STREAMS: u32 = 200;
