//! Limits on connections: per client address and in total.
//!
//! A connection over a limit is closed when it is accepted, before TLS and before a
//! byte is read. Open connections are not affected.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::request::TrustedProxies;

/// The open connections.
pub(super) struct Connections {
    per_address: usize,
    total: usize,
    /// Their connections carry many clients, so only the total limit applies.
    trusted: TrustedProxies,
    open: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new(per_address: usize, total: usize, trusted: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { per_address, total, trusted, open: Mutex::default() })
    }

    /// A slot for one more connection, within the limits.
    fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let address = if self.trusted.contains(peer) { None } else { Some(counted(peer)) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.total {
            return None;
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        open.total += 1;
        drop(open);
        Some(Place { connections: Arc::clone(self), address })
    }
}

/// The unit that one client controls: an IPv4 address, or a /64 of IPv6.
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection's slot, free again when dropped.
struct Place {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(address) = self.address
            && let Some(count) = open.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// An acceptor that enforces the limits.
#[derive(Clone)]
pub(super) struct Capped<A> {
    pub(super) inner: A,
    pub(super) connections: Arc<Connections>,
}

impl<A, S> Accept<TcpStream, S> for Capped<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = CappedStream<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().ok().and_then(|peer| self.connections.admit(peer.ip()));
        // Without a slot the stream is dropped, which closes it.
        let accepted = place.map(|place| (place, self.inner.accept(stream, service)));
        Box::pin(async move {
            let Some((place, accepted)) = accepted else { return Err(io::Error::other("too many connections")) };
            let (stream, service) = accepted.await?;
            Ok((CappedStream { stream, _place: place }, service))
        })
    }
}

/// A stream with its slot.
pub(super) struct CappedStream<S> {
    stream: S,
    _place: Place,
}

impl<S: AsyncRead + Unpin> AsyncRead for CappedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CappedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_and_all_have_their_limit() {
        let trusted = TrustedProxies::new(vec!["192.0.2.1/32".parse().unwrap()], crate::ForwardedHeader::default());
        let connections = Connections::new(2, 6, trusted);
        let admit = |peer: &str| connections.admit(peer.parse().unwrap());
        let one: Vec<_> = ["198.51.100.1", "::ffff:198.51.100.1", "198.51.100.1"].map(admit).into();
        assert!(one[0].is_some() && one[1].is_some() && one[2].is_none());
        let net = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(admit);
        assert!(net[0].is_some() && net[1].is_some() && net[2].is_none(), "a /64 is one client");
        let proxy = ["192.0.2.1"; 3].map(admit);
        assert!(proxy[0].is_some() && proxy[1].is_some() && proxy[2].is_none(), "a proxy has what is left in all");
        drop(one);
        assert!(admit("203.0.113.9").is_some(), "a place is free again");
        drop((net, proxy));
        let open = connections.open.lock().unwrap();
        assert!(open.total == 0 && open.by_address.is_empty(), "nothing is remembered of who is gone");
    }
}
