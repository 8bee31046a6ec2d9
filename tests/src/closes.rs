//! How soon a server sees that a call was cancelled, over real sockets (case L1).

use std::io;
use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::{Clock, Instant};
use belvedere::middleware::runtime::{Proxy, TransportOptions, lent};
use belvedere::{Error, Events};
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The head of the answer, and one event of it.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const EVENT: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";

/// Cancels so many calls over loopback, in turn by each way and at several points, and gives how long it took until
/// the server saw the connection closed; the shortest first.
///
/// # Errors
/// Those of the sockets, and those of calls that fail otherwise than by their cancel.
pub fn closes(count: usize) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut times = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut options = TransportOptions::default();
        options.proxy = Proxy::None;
        let lent = lent(&options)?;
        let clock = lent.clock.clone();
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let provider = json!({ "type": "openai", "base_url": base_url, "model": "m", "api_key": "test-key" });
        let config = json!({ "provider": provider, "layers": [{ "type": "timeout" }] }).into();
        let client = belvedere::registry().client_with(&config, lent)?;
        let mut times = Vec::with_capacity(count);
        for n in 0..count {
            let (answered, ready) = oneshot::channel();
            let server = seen_closed(&listener, n % 4, answered, clock.as_ref());
            let (cancelled, closed) = tokio::join!(cancel(&client, n, ready, clock.as_ref()), server);
            times.push(closed?.since(cancelled?));
        }
        Ok::<_, Box<dyn std::error::Error>>(times)
    })?;
    times.sort_unstable();
    Ok(times)
}

/// Accepts a connection, reads its request, and says so many events, or not even a head for 0. Gives when the client
/// closed.
async fn seen_closed(
    listener: &TcpListener,
    events: usize,
    answered: oneshot::Sender<()>,
    clock: &dyn Clock,
) -> io::Result<Instant> {
    let (mut peer, _) = listener.accept().await?;
    read_request(&mut peer).await?;
    if events > 0 {
        peer.write_all(HEAD).await?;
        peer.write_all(&EVENT.repeat(events)).await?;
    }
    // Nobody listens where the client has closed already.
    let _ = answered.send(());
    // Closed, or reset.
    let _ = peer.read_u8().await;
    Ok(clock.now())
}

/// Reads up to the end of the JSON body.
async fn read_request(peer: &mut TcpStream) -> io::Result<()> {
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        if peer.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Makes a call and cancels it. Gives when.
async fn cancel(
    client: &Client,
    n: usize,
    ready: oneshot::Receiver<()>,
    clock: &dyn Clock,
) -> Result<Instant, Error> {
    let answer = {
        let call = client.stream("hi");
        tokio::pin!(call);
        match n % 4 {
            // The call is dropped while it waits for its head.
            0 => tokio::select! {
                answer = &mut call => Some(answer?),
                _ = ready => None,
            },
            _ => Some(call.await?),
        }
    };
    let Some(mut events) = answer else { return Ok(clock.now()) };
    // `Start`, and as many words as were said.
    for _ in 0..=n % 4 {
        events.next().await.transpose()?;
    }
    Ok(end(events, n / 4, clock).await)
}

/// Ends a stream by one of the ways there are. Gives when.
async fn end(mut events: Events, way: usize, clock: &dyn Clock) -> Instant {
    let now = clock.now();
    match way % 3 {
        0 => drop(events),
        1 => events.cancel(),
        _ => {
            events.controller().cancel();
            events.next().await;
        }
    }
    now
}
