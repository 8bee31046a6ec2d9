//! Replaying: a network that gives what was recorded.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use super::form::{Answered, Exchange, How, Sent};
use super::{Cassette, Matching, Scrub};
use crate::clock::Clock;
use crate::context::Wire;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Body, Transport};

/// How fast a cassette is replayed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pace {
    /// At once.
    #[default]
    Instant,
    /// With the times of the recording, on the lent clock.
    Recorded,
}

/// A network that gives what was recorded: the same chunks, the same end. Clones share what is used up.
///
/// A request without a recorded answer fails with the nearest one and the places where they differ.
#[derive(Clone)]
pub struct Replay(Arc<Shared>);

struct Shared {
    exchanges: Vec<Arc<Exchange>>,
    used: Mutex<Vec<bool>>,
    clock: Arc<dyn Clock>,
    matching: Matching,
    scrub: Scrub,
    pace: Pace,
}

impl Replay {
    /// Replays `cassette` on `clock`.
    pub fn new(cassette: Cassette, clock: Arc<dyn Clock>, matching: Matching, pace: Pace) -> Self {
        let used = Mutex::new(vec![false; cassette.exchanges.len()]);
        let exchanges = cassette.exchanges.into_iter().map(Arc::new).collect();
        Replay(Arc::new(Shared { exchanges, used, clock, matching, scrub: Scrub::default(), pace }))
    }

    /// Takes out of each request what was taken out of the recorded ones, before they are compared.
    pub fn with_scrub(self, scrub: Scrub) -> Self {
        let Shared { exchanges, clock, matching, pace, .. } = &*self.0;
        let used = Mutex::new(vec![false; exchanges.len()]);
        let (exchanges, clock, matching) = (exchanges.clone(), clock.clone(), matching.clone());
        Replay(Arc::new(Shared { exchanges, used, clock, matching, scrub, pace: *pace }))
    }

    /// How many exchanges no request has asked for.
    pub fn unused(&self) -> usize {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.iter().filter(|used| !**used).count()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("unused", &self.unused()).finish_non_exhaustive()
    }
}

impl Shared {
    /// The exchange that answers a request; it is used up by it.
    fn find(&self, asked: &Sent) -> Result<Arc<Exchange>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut nearest: Option<(usize, Vec<String>)> = None;
        for (i, (exchange, used)) in self.exchanges.iter().zip(used.iter_mut()).enumerate() {
            if *used && !self.matching.repeat {
                continue;
            }
            let differences = self.matching.differences(asked, &exchange.request);
            if differences.is_empty() {
                *used = true;
                return Ok(exchange.clone());
            }
            if nearest.as_ref().is_none_or(|(_, least)| differences.len() < least.len()) {
                nearest = Some((i, differences));
            }
            if self.matching.in_order {
                break;
            }
        }
        Err(unmatched(asked, nearest))
    }
}

/// Places only: neither the request's texts nor the recorded ones are shown.
fn unmatched(asked: &Sent, nearest: Option<(usize, Vec<String>)>) -> Error {
    let what = match nearest {
        None => "the cassette has no exchange left".to_owned(),
        Some((i, differences)) => {
            let shown: Vec<String> = differences.iter().take(5).cloned().collect();
            let more = differences.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more places") } else { String::new() };
            format!(
                "no recorded exchange fits; the nearest, exchanges[{i}], differs in {}{more}",
                shown.join(", ")
            )
        }
    };
    Error::new(ErrorKind::Unexpected, format!("cassette: {what}"))
        .into_persistent()
        .with("method", asked.method.clone())
        .with("url", asked.url.clone())
}

#[async_trait]
impl Transport for Replay {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        let shared = &self.0;
        let asked = shared.scrub.request(&request, &mut Vec::new());
        let exchange = shared.find(&asked)?;
        if let Some(wire) = &wire {
            wire.set_connected();
        }
        let mut tape = Playing { shared: shared.clone(), exchange, at_us: 0, next: 0, over: false };
        let Some(response) = tape.exchange.response.clone() else {
            tape.wait(tape.exchange.end.at_us).await;
            return Err(tape.broken());
        };
        tape.wait(response.at_us).await;
        head(&response, tape.body())
    }
}

fn head(response: &Answered, body: Body) -> Result<http::Response<Body>> {
    let mut head = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        head = head.header(name, value);
    }
    let invalid =
        |e| Error::new(ErrorKind::InvalidRequest, "cassette: a recorded head is no HTTP head").with_source(e);
    head.body(body).map_err(invalid)
}

/// An exchange while it is replayed.
struct Playing {
    shared: Arc<Shared>,
    exchange: Arc<Exchange>,
    at_us: u64,
    next: usize,
    over: bool,
}

impl Playing {
    /// Waits until this moment of the recording.
    async fn wait(&mut self, at_us: u64) {
        let left = at_us.saturating_sub(self.at_us);
        self.at_us = at_us;
        if self.shared.pace == Pace::Recorded && left > 0 {
            self.shared.clock.sleep(Duration::from_micros(left)).await;
        }
    }

    fn broken(&self) -> Error {
        let what = match &self.exchange.end.how {
            How::Broken(words) => words.clone(),
            _ => "the recording ends here: the connection was closed by our side".to_owned(),
        };
        Error::new(ErrorKind::Network, what)
    }

    fn body(self) -> Body {
        Body::new(stream::unfold(self, |mut tape| async move {
            if tape.over {
                return None;
            }
            let exchange = tape.exchange.clone();
            let chunk = exchange.response.as_ref().and_then(|response| response.chunks.get(tape.next));
            if let Some(chunk) = chunk {
                tape.next += 1;
                tape.wait(chunk.at_us).await;
                return Some((Ok(chunk.body.0.clone()), tape));
            }
            tape.over = true;
            tape.wait(exchange.end.at_us).await;
            match exchange.end.how {
                How::Eof => None,
                _ => Some((Err(tape.broken()), tape)),
            }
        }))
    }
}
