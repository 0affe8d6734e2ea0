//! A TCP proxy on loopback whose faults a test switches while it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// A running proxy. It ends with the last clone, and belongs to the runtime it
/// was started on.
#[derive(Clone)]
pub(crate) struct FaultProxy {
    address: SocketAddr,
    server: watch::Sender<SocketAddr>,
    mode: watch::Sender<Mode>,
    seen: Arc<Seen>,
    _serving: Arc<Serving>,
}

/// What it does with connections. A switch meets the open ones too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// All goes through.
    Pass,
    /// A connection is ended as soon as it is there, before a byte goes through.
    Refuse,
    /// Connections stay open, and nothing goes through in either direction
    /// until another mode is set.
    Drop,
    /// What clients say goes through, and what the server says is held back
    /// until another mode is set or [`FaultProxy::step`] lets it go.
    Hold,
    /// What the server says comes so much later.
    Delay(Duration),
    /// A connection ends in good order after so many bytes of what the server says.
    Truncate(usize),
    /// A connection is reset after so many bytes of what the server says.
    Reset(usize),
}

/// What it has met.
struct Seen {
    accepted: AtomicUsize,
    /// How many pieces of what the server says have been held back so far.
    held: watch::Sender<usize>,
    /// How many of them may go on.
    let_go: Semaphore,
}

impl FaultProxy {
    /// Starts one in front of `server`, passing.
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (mode, modes) = watch::channel(Mode::Pass);
        let (server, servers) = watch::channel(server);
        let seen = Seen { accepted: AtomicUsize::new(0), held: watch::channel(0).0, let_go: Semaphore::new(0) };
        let seen = Arc::new(seen);
        let serving = Arc::new(Serving(tokio::spawn(serve(listener, servers, modes, Arc::clone(&seen)))));
        Self { address, server, mode, seen, _serving: serving }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it does this.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// New connections go there from now on; open ones stay where they are.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }

    /// How many connections came so far.
    pub(crate) fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// How many pieces of what the server says were held back so far.
    pub(crate) fn held(&self) -> usize {
        *self.seen.held.borrow()
    }

    /// Waits until so many pieces were held back.
    pub(crate) async fn until_held(&self, pieces: usize) {
        let mut held = self.seen.held.subscribe();
        held.wait_for(|held| *held >= pieces).await.expect("this holds the other end");
    }

    /// Lets one piece that is held back go on.
    pub(crate) fn step(&self) {
        self.seen.let_go.add_permits(1);
    }
}

/// Ends the listener and its connections.
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(
    listener: TcpListener,
    servers: watch::Receiver<SocketAddr>,
    mode: watch::Receiver<Mode>,
    seen: Arc<Seen>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        seen.accepted.fetch_add(1, Ordering::Relaxed);
        let server = *servers.borrow();
        connections.spawn(connection(client, server, mode.clone(), Arc::clone(&seen)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut client: TcpStream, server: SocketAddr, mode: watch::Receiver<Mode>, seen: Arc<Seen>) {
    let refused = *mode.borrow() == Mode::Refuse;
    let end = match TcpStream::connect(server).await {
        Ok(server) if !refused => carry(&mut client, server, mode, &seen).await,
        _ => End::Reset,
    };
    if end == End::Reset {
        // Closing it now is a reset. It fails where the client is gone already.
        let _ = client.set_zero_linger();
    }
}

/// How a connection ends.
#[derive(PartialEq)]
enum End {
    Orderly,
    Reset,
}

async fn carry(client: &mut TcpStream, mut server: TcpStream, mode: watch::Receiver<Mode>, seen: &Seen) -> End {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::select! {
        end = upstream(from_client, to_server, mode.clone()) => end,
        end = downstream(from_server, to_client, mode.clone(), seen) => end,
        () = until(mode, |mode| mode == Mode::Refuse) => End::Reset,
    }
}

async fn upstream(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mode: watch::Receiver<Mode>) -> End {
    let mut buffer = vec![0; BUFFER];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        until(mode.clone(), |mode| mode != Mode::Drop).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // The client is done; what the server still says is the other direction's.
    let _ = to.shutdown().await;
    std::future::pending().await
}

async fn downstream(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mode: watch::Receiver<Mode>, seen: &Seen) -> End {
    let mut buffer = vec![0; BUFFER];
    // How much of the bytes that still may pass has passed.
    let mut said = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        until(mode.clone(), |mode| mode != Mode::Drop).await;
        if *mode.borrow() == Mode::Hold {
            seen.held.send_modify(|held| *held += 1);
            tokio::select! {
                () = until(mode.clone(), |mode| mode != Mode::Hold) => {}
                permit = seen.let_go.acquire() => permit.expect("it is never closed").forget(),
            }
        }
        let now = *mode.borrow();
        if let Mode::Delay(time) = now {
            tokio::time::sleep(time).await;
        }
        let limit = match now {
            Mode::Truncate(bytes) => Some((bytes, End::Orderly)),
            Mode::Reset(bytes) => Some((bytes, End::Reset)),
            _ => None,
        };
        let part = limit.as_ref().map_or(read, |(bytes, _)| read.min(bytes.saturating_sub(said)));
        said = if limit.is_some() { said + part } else { 0 };
        if to.write_all(&buffer[..part]).await.is_err() {
            break;
        }
        if let Some((bytes, end)) = limit
            && said >= bytes
        {
            return end;
        }
    }
    End::Orderly
}

/// Waits until the mode is such; for ever, where nobody can switch it any more.
async fn until(mut mode: watch::Receiver<Mode>, such: impl Fn(Mode) -> bool) {
    if mode.wait_for(|mode| such(*mode)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

const BUFFER: usize = 16 << 10;
