//! A network of long answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use belvedere::context::Wire;
use belvedere::transport::{Body, Transport};
use bytes::Bytes;

/// A network that gives every request the same answer, in the wire of OpenAI: numbered deltas of one length. Each is
/// made when it is pulled, so the network itself takes no memory. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Endless {
    deltas: usize,
    length: usize,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    pulls: AtomicUsize,
    held: AtomicUsize,
}

impl Endless {
    /// Answers of this many deltas, each of its number and so many bytes. `usize::MAX` deltas never end.
    pub fn new(deltas: usize, length: usize) -> Self {
        Endless { deltas, length, counts: Arc::default() }
    }

    /// How many pieces were taken of all bodies.
    pub fn pulls(&self) -> usize {
        self.counts.pulls.load(Ordering::Acquire)
    }

    /// How many bodies are neither over nor dropped.
    pub fn held(&self) -> usize {
        self.counts.held.load(Ordering::Acquire)
    }

    /// The pieces of one body.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> + Send + 'static {
        let filling = ".".repeat(self.length);
        let delta = move |n: usize| {
            Bytes::from(format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{n}{filling}\"}}}}]}}\n\n"
            ))
        };
        let end =
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        (0..self.deltas).map(delta).chain([Bytes::from_static(end.as_bytes())])
    }
}

/// Counts a body while it is held.
struct Held(Arc<Counts>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
    }
}

#[async_trait]
impl Transport for Endless {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: Option<Arc<Wire>>,
    ) -> belvedere::Result<http::Response<Body>> {
        self.counts.held.fetch_add(1, Ordering::AcqRel);
        let held = Held(self.counts.clone());
        let pieces = self.pieces().inspect(move |_| {
            held.0.pulls.fetch_add(1, Ordering::AcqRel);
        });
        let mut response = http::Response::new(Body::new(futures_util::stream::iter(pieces.map(Ok))));
        let kind = http::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        Ok(response)
    }
}
