//! A timeout for connections that send nothing.
//!
//! The timeouts of the HTTP implementation start once the first bytes tell which
//! version the client speaks. Until then the stream itself has a deadline.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// An acceptor whose streams end when their first bytes do not arrive in time.
#[derive(Clone)]
pub(super) struct Prompt<A> {
    pub(super) inner: A,
    pub(super) timeout: Duration,
}

impl<A, I, S> Accept<I, S> for Prompt<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = PromptStream<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepted = self.inner.accept(stream, service);
        let timeout = self.timeout;
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            Ok((PromptStream { stream, deadline: Some(Box::pin(sleep(timeout))), matched: 0 }, service))
        })
    }
}

/// A stream with a deadline until the HTTP version is known.
pub(super) struct PromptStream<S> {
    stream: S,
    /// Until the version is known.
    deadline: Option<Pin<Box<Sleep>>>,
    /// How many bytes of the HTTP/2 preface have arrived.
    matched: usize,
}

impl<S> PromptStream<S> {
    /// The version is known at the first byte that differs from the preface, or at its
    /// end.
    fn listen(&mut self, heard: &[u8]) {
        if self.deadline.is_none() {
            return;
        }
        let rest = &HTTP2_PREFACE[self.matched..];
        let same = heard.iter().zip(rest).take_while(|(heard, expected)| heard == expected).count();
        self.matched += same;
        if same < heard.len() || self.matched == HTTP2_PREFACE.len() {
            self.deadline = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PromptStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_ready() {
            self.listen(&buf.filled()[before..]);
            return read;
        }
        let is_late = self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready());
        if is_late {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent nothing in time")));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PromptStream<S> {
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

/// RFC 9113, section 3.4.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_deadline_ends_when_the_version_is_known() {
        let waits_after = |pieces: &[&[u8]]| {
            let deadline = Some(Box::pin(sleep(Duration::from_secs(1))));
            let mut stream = PromptStream { stream: (), deadline, matched: 0 };
            for piece in pieces {
                stream.listen(piece);
            }
            stream.deadline.is_some()
        };
        assert!(waits_after(&[b"PRI * HT"]));
        assert!(waits_after(&[b"P", b"RI *"]));
        assert!(!waits_after(&[b"P", b"OST"]));
        assert!(!waits_after(&[b"GET / HTTP/1.0\r\n\r\n"]));
        assert!(!waits_after(&[&HTTP2_PREFACE[..10], &HTTP2_PREFACE[10..], b"more"]));
    }
}
