//! Serves one long answer over loopback to whoever connects: `upstream DELTAS LENGTH`. It prints its port, and ends when
//! its standard input does. Tests that count the memory of their own process run it as another.

use std::io;

use belvedere_tests::Endless;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|arg| arg.parse()).collect::<Result<_, _>>()?;
    let &[deltas, length] = numbers.as_slice() else { return Err("usage: upstream DELTAS LENGTH".into()) };
    // A program of its own, with threads of its own.
    std::thread::Builder::new().spawn(|| {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        std::process::exit(0);
    })?;
    let body: Vec<u8> = Endless::new(deltas, length).pieces().flatten().collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&[head.into_bytes(), body].concat()))?;
    Ok(())
}

/// A listener whose connections take little that is not read.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // What the kernel holds of a stalled stream is not the client's, and needs not be much.
    socket.set_send_buffer_size(32 << 10)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(1024)
}

async fn serve(reply: &[u8]) -> io::Result<()> {
    let listener = listen()?;
    println!("{}", listener.local_addr()?.port());
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => open.push(answer(accepted?.0, reply)),
            Some(_) = open.next() => {}
        }
    }
}

async fn answer(mut peer: TcpStream, reply: &[u8]) -> io::Result<()> {
    peer.read_u8().await?;
    peer.write_all(reply).await?;
    // Closed with a part of the request unread, the connection would be reset.
    tokio::io::copy(&mut peer, &mut tokio::io::sink()).await.map(drop)
}
