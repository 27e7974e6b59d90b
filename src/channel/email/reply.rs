//! The connection as lettre reads it. Servers answer in charsets of their own, and lettre takes a line that
//! is not UTF-8 for a broken network: so lines are made UTF-8 before it sees them. The digits count.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// A line of a reply has at most 512 bytes (RFC 5321); more comes in parts.
const LINE: usize = 2_048;
/// Lines of one reply that are read before TLS begins.
const LINES: usize = 100;

/// A stream whose incoming lines are UTF-8.
pub(super) struct Readable<S> {
    stream: S,
    peer: SocketAddr,
    /// Made readable, and how much of it was read.
    ready: Vec<u8>,
    read: usize,
    /// The beginning of a line.
    held: Vec<u8>,
    ended: bool,
}

impl<S> Readable<S> {
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self {
            stream,
            peer,
            ready: Vec::new(),
            read: 0,
            held: Vec::new(),
            ended: false,
        }
    }

    /// After STARTTLS a server does not greet again, and lettre waits for a greeting.
    pub(super) fn greeted(mut self) -> Self {
        self.ready = b"220 TLS\r\n".to_vec();
        self
    }

    /// Takes what came: whole lines become readable, the rest waits for its end.
    fn came(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let end = self.held.iter().rposition(|it| *it == b'\n');
        let whole = match end {
            Some(at) => at + 1,
            None if self.ended || self.held.len() >= LINE => self.held.len(),
            None => return,
        };
        let lines: Vec<u8> = self.held.drain(..whole).collect();
        self.ready = readable(&lines);
        self.read = 0;
    }
}

/// ASCII and UTF-8 stay; what is neither is shown as such.
fn readable(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).into_owned().into_bytes()
}

impl<S: AsyncRead + Unpin> AsyncRead for Readable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.read < self.ready.len() {
                let rest = &self.ready[self.read..];
                let n = rest.len().min(buffer.remaining());
                buffer.put_slice(&rest[..n]);
                self.read += n;
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            let mut piece = [0; LINE];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
            self.ended = piece.filled().is_empty();
            self.came(piece.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Readable<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> fmt::Debug for Readable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection to {}", self.peer)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Readable<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// What a server said before TLS: its code, and all its lines.
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

/// Reads one reply, byte by byte so that nothing of what follows it is taken.
pub(super) async fn reply(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Reply> {
    let mut text = String::new();
    for _ in 0..LINES {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            if line.len() > LINE {
                return Err(io::Error::other("a line of the reply does not end"));
            }
            line.push(stream.read_u8().await?);
        }
        let line = String::from_utf8_lossy(&line);
        text.push_str(&line);
        let code = line.get(..3).and_then(|it| it.parse().ok());
        match (code, line.as_bytes().get(3)) {
            (Some(_), Some(b'-')) => {}
            (Some(code), _) => return Ok(Reply { code, text }),
            (None, _) => return Err(io::Error::other("what it says is no reply of SMTP")),
        }
    }
    Err(io::Error::other("the reply does not end"))
}

/// Says one command and reads the reply.
pub(super) async fn say(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    command: &str,
) -> io::Result<Reply> {
    stream.write_all(command.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await?;
    reply(stream).await
}
