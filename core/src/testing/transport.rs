//! A network that plays a script.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;

use super::clock::TestClock;
use super::reply::{Delay, Fault, Piece, Reply};
use crate::clock::Clock;
use crate::context::Wire;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Body, Transport};

/// A transport that gives scripted replies in order, records the requests, and counts the connections that are
/// open: a call or a body that was dropped shows as a closed one. Clones share it.
#[derive(Clone)]
pub struct ScriptedTransport(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    script: Mutex<Script>,
    open: AtomicUsize,
    aborted: AtomicUsize,
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    always: Option<Reply>,
    requests: Vec<http::Request<Bytes>>,
}

impl ScriptedTransport {
    /// A network without replies; its delays pass on `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        ScriptedTransport(Arc::new(Shared {
            clock,
            script: Mutex::default(),
            open: AtomicUsize::new(0),
            aborted: AtomicUsize::new(0),
        }))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a reply to the end of the script.
    pub fn push(&self, reply: Reply) {
        self.script().replies.push_back(reply);
    }

    /// Gives this reply whenever the script has no other.
    pub fn always(&self, reply: Reply) {
        self.script().always = Some(reply);
    }

    /// The requests so far, in order, as they went out.
    pub fn requests(&self) -> Vec<http::Request<Bytes>> {
        self.script().requests.clone()
    }

    /// How many connections are open: from the first poll of a send until its body has ended or was dropped.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// How many connections our side closed before the reply was over.
    pub fn aborted(&self) -> usize {
        self.0.aborted.load(Ordering::Acquire)
    }

    async fn wait(&self, delay: Delay) {
        match delay {
            Delay::After(duration) if duration.is_zero() => {}
            Delay::After(duration) => self.0.clock.sleep(duration).await,
            Delay::Never => std::future::pending().await,
        }
    }

    /// Waits, then fails if that is what the script says. The peer's failure is not our abort.
    async fn phase(&self, delay: Delay, fault: Option<Fault>, connection: &mut Connection) -> Result<()> {
        self.wait(delay).await;
        match fault {
            Some(fault) => {
                connection.over = true;
                Err(fault.error())
            }
            None => Ok(()),
        }
    }

    fn body(&self, reply: &Reply, connection: Connection) -> Body {
        let chunks: VecDeque<Piece> = reply.chunks().into();
        let network = self.clone();
        Body::new(stream::unfold((chunks, Some(connection)), move |(mut chunks, mut connection)| {
            let network = network.clone();
            async move {
                loop {
                    match chunks.pop_front() {
                        Some(Piece::Wait(delay)) => network.wait(delay).await,
                        Some(Piece::Stall(_)) => std::future::pending().await,
                        Some(Piece::Text(text)) => return Some((Ok(text.into()), (chunks, connection))),
                        Some(Piece::Base64(bytes)) => return Some((Ok(bytes), (chunks, connection))),
                        Some(Piece::Aws(message)) => {
                            return Some((Ok(message.bytes()), (chunks, connection)));
                        }
                        Some(Piece::Error(fault)) => {
                            connection.take()?.over = true;
                            return Some((Err(fault.error()), (VecDeque::new(), None)));
                        }
                        None => {
                            connection.take()?.over = true;
                            return None;
                        }
                    }
                }
            }
        }))
    }
}

/// A network without replies, on a clock of its own.
impl Default for ScriptedTransport {
    fn default() -> Self {
        ScriptedTransport::new(Arc::new(TestClock::new()))
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        let reply = {
            let mut script = self.script();
            script.requests.push(request);
            script.replies.pop_front().or_else(|| script.always.clone())
        };
        let unscripted = || Error::new(ErrorKind::Unexpected, "the scripted network has no reply left");
        let reply = reply.ok_or_else(unscripted)?;
        let mut connection = Connection::open(&self.0);
        if let Some(wire) = &wire {
            wire.set_dialing();
        }
        self.phase(reply.connect_after, reply.connect_error, &mut connection).await?;
        if let Some(wire) = &wire {
            wire.set_connected();
        }
        self.phase(reply.head_after, reply.head_error, &mut connection).await?;
        let head =
            reply.headers.iter().fold(http::Response::builder().status(reply.status), |head, (n, v)| {
                head.header(n.as_str(), v.as_str())
            });
        let invalid = |e| Error::new(ErrorKind::Unexpected, "a scripted head is no HTTP head").with_source(e);
        head.body(self.body(&reply, connection)).map_err(invalid)
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport")
            .field("open", &self.open())
            .field("aborted", &self.aborted())
            .finish_non_exhaustive()
    }
}

/// An open connection. Dropped before it is over, it was closed by our side.
struct Connection {
    shared: Arc<Shared>,
    over: bool,
}

impl Connection {
    fn open(shared: &Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::AcqRel);
        Connection { shared: shared.clone(), over: false }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::AcqRel);
        if !self.over {
            self.shared.aborted.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::{Simulation, Task};

    const SECOND: Duration = Duration::from_secs(1);

    fn request(body: &'static str) -> http::Request<Bytes> {
        http::Request::post("https://api.example/v1").body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn a_reply_is_played_with_its_delays_and_faults() {
        let simulation = Simulation::new(1);
        let network = &simulation.network;
        network.push(Reply {
            connect_after: SECOND.into(),
            head_after: (2 * SECOND).into(),
            ..Reply::ok("text/plain", "ab")
                .with(Piece::Wait((3 * SECOND).into()))
                .with(Piece::Error(Fault::Reset))
        });
        let began = simulation.clock.now();
        let at = || simulation.clock.now().since(began);
        let wire = Arc::new(Wire::default());
        let mut send = Task::new(network.send(request("hello"), Some(wire.clone())));
        assert!(simulation.poll(&mut send).is_pending());
        simulation.advance(SECOND);
        assert!(simulation.poll(&mut send).is_pending());
        assert!(wire.is_connected(), "connected after a second, the head is still to come");
        drop(send);
        assert_eq!((network.open(), network.aborted()), (0, 1), "a dropped send closes its connection");

        network.push(
            Reply::ok("text/plain", "ab")
                .with(Piece::Wait((3 * SECOND).into()))
                .with(Piece::Error(Fault::Reset)),
        );
        let response = simulation.run(network.send(request("again"), None)).unwrap();
        assert_eq!(response.headers().get("content-type").unwrap(), "text/plain");
        let chunks: Vec<_> = simulation.run(response.into_body().collect());
        assert_eq!(chunks.first().unwrap().as_ref().unwrap(), "ab");
        assert_eq!(chunks.last().unwrap().as_ref().unwrap_err().message(), "the connection was reset");
        assert_eq!(at(), 4 * SECOND);
        assert_eq!((network.open(), network.aborted()), (0, 1), "the peer's reset is not our abort");
        let sent: Vec<_> = network.requests().iter().map(|r| r.body().clone()).collect();
        assert_eq!(sent, ["hello", "again"]);
    }

    #[test]
    fn a_dropped_body_is_a_closed_connection() {
        let simulation = Simulation::new(1);
        simulation.network.always(Reply::ok("text/plain", "abc").with(Piece::Stall(true)));
        let mut body = simulation.run(simulation.network.send(request(""), None)).unwrap().into_body();
        assert_eq!(simulation.run(body.next()).unwrap().unwrap(), "abc");
        assert!(simulation.poll(&mut Task::new(body.next())).is_pending());
        assert_eq!(simulation.network.open(), 1);
        drop(body);
        assert_eq!((simulation.network.open(), simulation.network.aborted()), (0, 1));
        simulation.assert_idle();
    }

    #[test]
    fn failures_before_the_head_and_an_empty_script_are_errors() {
        let simulation = Simulation::new(1);
        simulation.network.push(Reply::fault(Fault::Refused));
        simulation.network.push(Reply { head_error: Some(Fault::Closed), ..Reply::default() });
        let kinds = [(); 3].map(|()| {
            let sent = simulation.run(simulation.network.send(request(""), None));
            sent.unwrap_err().kind()
        });
        assert_eq!(kinds, [ErrorKind::Network, ErrorKind::Network, ErrorKind::Unexpected]);
        simulation.assert_idle();
    }
}
