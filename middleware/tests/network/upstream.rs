//! A server that is told each byte it says.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::soon;

/// The head of a response whose body comes in chunks.
pub(crate) const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// A listening server.
#[derive(Debug)]
pub(crate) struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
}

impl Upstream {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Upstream { listener, address }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1/lines?token=canary-query", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer(soon(self.listener.accept()).await.unwrap().0)
    }

    /// Accepts whenever a connection comes, which may be never.
    pub(crate) async fn serve_next(&self) -> Peer {
        Peer(self.listener.accept().await.unwrap().0)
    }
}

/// One connection, seen from the server. Over TLS, `S` is the stream inside.
#[derive(Debug)]
pub(crate) struct Peer<S = TcpStream>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Reads one whole request, and gives its head.
    pub(crate) async fn request(&mut self) -> String {
        soon(self.next_request()).await.expect("a whole request")
    }

    /// The head of the next request, or `None` when the client closed instead.
    pub(crate) async fn next_request(&mut self) -> Option<String> {
        let mut read = Vec::new();
        loop {
            let byte = self.0.read_u8().await.ok()?;
            read.push(byte);
            if read.ends_with(b"\r\n\r\nask") {
                return Some(String::from_utf8(read).unwrap());
            }
        }
    }

    pub(crate) async fn write(&mut self, text: &str) {
        soon(self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// Writes one chunk of a chunked body.
    pub(crate) async fn chunk(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// Waits until the client has closed or reset the connection; it must not say anything before.
    pub(crate) async fn closed(&mut self) {
        match soon(self.0.read_u8()).await {
            Err(_) => {}
            Ok(byte) => panic!("the client says {byte:#x} and does not close"),
        }
    }
}
