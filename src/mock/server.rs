//! The server: a socket that listens, and what stops it.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use belvedere_core::clock::Clock;
use belvedere_core::endpoint::Endpoint;
use belvedere_middleware::runtime::TokioClock;
use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::script::Script;
use super::socket::{Link, Socket};
use super::state::State;
use super::stats::Stats;
use super::{Log, paths, serve};

/// A provider on this machine that does what a script says. Dropping it stops it and closes its connections.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    state: Arc<State>,
    /// The task that accepts; it owns those of the connections.
    _accepting: JoinSet<()>,
}

/// How a server is set up.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where it listens. Default `127.0.0.1:0`: a free port of this machine.
    pub address: SocketAddr,
    /// Its time. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The wires it speaks. Default: all of this build.
    pub endpoints: Vec<Arc<dyn Endpoint>>,
    /// What is done with the line of each request. Default: nothing.
    pub log: Option<Log>,
    /// How many of the latest requests are kept, for [`MockServer::requests`]. Default none.
    pub keep: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::new(TokioClock::new()),
            endpoints: belvedere_providers::endpoints(),
            log: None,
            keep: 0,
        }
    }
}

/// The log is a function, which prints nothing.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("address", &self.address)
            .field("clock", &self.clock)
            .field("endpoints", &self.endpoints)
            .field("log", &self.log.is_some())
            .field("keep", &self.keep)
            .finish()
    }
}

impl MockServer {
    /// Starts a server on a free port of this machine. It has to be called inside a tokio runtime with its I/O and
    /// timer on.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(script: impl Into<Script>) -> io::Result<Self> {
        MockServer::start_with(Options::default(), script).await
    }

    /// Starts a server that is set up otherwise.
    ///
    /// # Errors
    /// When the address can't be had.
    pub async fn start_with(options: Options, script: impl Into<Script>) -> io::Result<Self> {
        let Options { address, clock, endpoints, log, keep } = options;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(clock, endpoints, log, keep, script.into()));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, state.clone()));
        Ok(MockServer { address, state, _accepting: accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for clients, such as `http://127.0.0.1:4117`. What a client puts before a wire's own path, such
    /// as `/v1`, does not matter.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths it knows, each with its method, and the wire or purpose behind it.
    pub fn paths(&self) -> Vec<(&'static str, &'static str)> {
        let wires = paths::of(&self.state.endpoints).map(|(wire, path)| (path, wire));
        wires.chain(paths::OWN.iter().copied()).collect()
    }

    /// Begins another script; requests that are under way keep the old one.
    pub fn play(&self, script: impl Into<Script>) {
        self.state.play(script.into());
    }

    /// What it has seen and done.
    pub fn stats(&self) -> Stats {
        self.state.stats.borrow().clone()
    }

    /// The latest requests to wires, in the order they were read, as many as [`Options::keep`] says.
    pub fn requests(&self) -> Vec<http::Request<Bytes>> {
        self.state.kept()
    }

    /// Sets all counters back to zero; what is open stays counted.
    pub fn reset_stats(&self) {
        self.state.stats.send_modify(Stats::reset);
    }

    /// Waits until its counters are as wanted, and gives them. Dropping the future ends the wait.
    pub async fn until(&self, wanted: impl FnMut(&Stats) -> bool) -> Stats {
        let mut stats = self.state.stats.subscribe();
        match stats.wait_for(wanted).await {
            Ok(stats) => stats.clone(),
            // The counters are gone with the server, which is borrowed here.
            Err(_) => self.stats(),
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, state.clone()))),
                // A connection that was gone again before it was accepted, or no more files: the next one may work.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A client that goes away ends its connection; that is all there is to say about it.
async fn connection(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let link = Arc::new(Link::new());
    let socket = TokioIo::new(Socket::new(stream, link.clone(), state.clone()));
    let service = service_fn(|request| {
        let (state, link) = (state.clone(), link.clone());
        async { Ok::<_, Infallible>(serve::answer(state, link, request).await) }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(socket, service).await;
}
