//! What happens to one call, from a seed.

use std::sync::Arc;
use std::time::Duration;

use belvedere::credentials::Secret;
use belvedere::entropy::Entropy;
use belvedere::layer::Layer;
use belvedere::middleware::repair::Repair;
use belvedere::middleware::throttle::Throttle;
use belvedere::middleware::timeout::Timeout;
use belvedere::providers::Keys;
use belvedere::service::Stack;
use belvedere::testing::{Delay, Fault, Piece, Reply, SeededEntropy};
use belvedere::{Request, Settings, provider};
use serde_json::{from_value, json};

use super::{By, WAYS};

/// What happens to one call.
#[derive(Debug)]
pub(super) struct Script {
    random: SeededEntropy,
    /// How it is cancelled.
    pub(super) by: By,
    /// Before which step.
    pub(super) at: usize,
    /// Whether an event is being waited for.
    pub(super) waits: bool,
    /// Before which step it is paused, and resumed.
    pub(super) pause: usize,
    pub(super) resume: usize,
    timeout: Option<Duration>,
    /// What it passes, outermost first.
    pub(super) layers: Vec<Arc<dyn Layer>>,
}

/// The layers that a call may pass, outermost first.
fn layers() -> serde_json::Result<[Arc<dyn Layer>; 3]> {
    let throttle: Throttle = from_value(json!({ "tokens": "20/s", "by": "word" }))?;
    let repair: Repair = from_value(json!({ "attempts": 4, "backoff": "1s" }))?;
    let timeout: Timeout = from_value(json!({ "first_event": "20s", "idle": "5s", "total": "1m" }))?;
    Ok([Arc::new(throttle), Arc::new(repair), Arc::new(timeout)])
}

impl Script {
    pub(super) fn new(seed: u64) -> serde_json::Result<Self> {
        let random = SeededEntropy::new(seed);
        let below = |n: usize| below(&random, n);
        let by = WAYS.get(below(WAYS.len())).copied().unwrap_or(By::Drop);
        let pause = if below(4) == 0 { below(30) } else { usize::MAX };
        Ok(Script {
            by,
            at: below(40),
            waits: below(2) == 0,
            pause,
            resume: pause.saturating_add(1 + below(20)),
            timeout: (by == By::Deadline).then(|| Duration::from_millis(below(10_000) as u64)),
            layers: layers()?.into_iter().filter(|_| below(4) > 0).collect(),
            random,
        })
    }

    fn below(&self, n: usize) -> usize {
        below(&self.random, n)
    }

    /// The provider that all layers stand before.
    pub(super) fn service(&self) -> belvedere::Result<Stack> {
        let mut settings = Settings::default();
        settings.base_url = Some("http://upstream.test/v1".into());
        settings.model = Some("m".into());
        settings.api_key = Some(Keys::One(Secret::new("test-key")));
        provider("openai", settings)
    }

    pub(super) fn request(&self) -> Request {
        match self.timeout {
            Some(timeout) => Request::from("hi").with_timeout(timeout),
            None => Request::from("hi"),
        }
    }

    /// The replies to as many attempts as a call may make.
    pub(super) fn replies(&self) -> Vec<Reply> {
        (0..8).map(|_| self.reply()).collect()
    }

    fn reply(&self) -> Reply {
        let mut reply = match self.below(10) {
            0 => Reply::status(503),
            _ => Reply::ok("text/event-stream", ""),
        };
        reply.connect_after = self.delay();
        reply.head_after = self.delay();
        match self.below(20) {
            0 => reply.connect_error = Some(Fault::Refused),
            1 => reply.head_error = Some(Fault::Closed),
            _ => {}
        }
        let words = self.below(12);
        for n in 0..words {
            reply = self.happening(reply).with(text(&format!(r#"{{"content":"{n} "}}"#), "null"));
        }
        match self.below(6) {
            0 => reply.with(Piece::Error(Fault::Reset)),
            1 => reply.with(Piece::Stall(true)),
            2 => reply,
            _ => self
                .happening(reply.with(text("{}", r#""stop""#)).with(Piece::Text("data: [DONE]\n\n".into()))),
        }
    }

    /// What may happen between two events.
    fn happening(&self, reply: Reply) -> Reply {
        match self.below(8) {
            0..3 => reply.with(Piece::Wait(self.delay())),
            3 => reply.with(Piece::Text(": alive\n\n".into())),
            _ => reply,
        }
    }

    fn delay(&self) -> Delay {
        match self.below(40) {
            0 => Delay::Never,
            n => Delay::After(Duration::from_millis(if n < 20 { 0 } else { n as u64 * 100 })),
        }
    }
}

fn text(delta: &str, finish: &str) -> Piece {
    let choice = format!(r#"{{"index":0,"delta":{delta},"finish_reason":{finish}}}"#);
    Piece::Text(format!("data: {{\"choices\":[{choice}]}}\n\n"))
}

/// A number below `n`, which is small: the bias does not matter.
fn below(random: &SeededEntropy, n: usize) -> usize {
    (random.next_u64() % n.max(1) as u64) as usize
}
