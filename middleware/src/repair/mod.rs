//! Repair of answers that break in the middle.

mod again;
mod attempt;
mod bill;
mod joint;
mod numbers;
mod opening;
mod partial;
mod seam;
mod stream;
mod way;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::duration;
use belvedere_core::events::Events;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service, Stack};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use stream::Repaired;

/// Repairs an answer that breaks: cut, reset, silent, or ended by an error of the provider's side.
///
/// What breaks is an error of the kinds `Network`, `Overloaded`, `Truncated`, `Malformed` and `Timeout` (not
/// `total`), before or in the stream. All other errors, an error that a layer further in has given up on, and an
/// error after `Finish` are handed on. As long as nothing of the answer was handed out, which takes its first
/// content, the request is simply sent again. After that the `policy` says what is done:
///
/// - `fail`: the error, with the partial answer in it. Nothing is sent again, not even before the first content.
/// - `restart`: [`Notice::Restart`](belvedere_core::event::Notice::Restart), and one whole new answer.
/// - `continue`: [`Notice::Continued`](belvedere_core::event::Notice::Continued), and the rest of the same answer;
///   where that can't be had, as `restart`. How depends on what was open:
///
/// | open | what is asked | what is done at the seam |
/// |---|---|---|
/// | text | the partial answer is given as the beginning of the answer (`continue_final_message`); a target that lacks this is shown it, and asked to go on by `ask` | what is repeated is taken out: all of it, or, when asked, an end of at least 8 characters or 12 bytes; where several ends fit, the answer is asked for again |
/// | text, JSON asked for | as above, but never by `ask`: a target that is held to a form writes the whole value | the joined value must parse, or the answer is restarted |
/// | a tool call, reasoning | the text before it is given as above; without such text the request is sent again | the new call must begin with what was handed out, or the answer is restarted behind the text that was kept |
/// | anything else | the request is sent again | the new answer must begin with what was handed out, or it is a restart |
///
/// So what was handed out is always the beginning of one answer, or is voided by a `Restart`. Text of fewer than 16
/// characters is asked for anew: a repetition could not be told from an answer that repeats itself. Nor is an
/// answer continued whose call has an idempotency key: with it, only the same request may be sent. The
/// continued answer keeps id and model of its first attempt, and each attempt may use the whole `max_tokens`.
///
/// Usage is that of all attempts together. Where an attempt broke before it told its usage, a notice says that
/// the sum lacks it. The last error is the one that is handed out, with the partial answer and the number of
/// attempts; when a target refuses to go on with a partial answer, the error that broke it stays the cause.
///
/// A further attempt is drawn from the call's attempt budget, too. It begins after a random wait of up to
/// `backoff`, doubled each time, and no sooner than the provider said; where that is more than a minute away, or
/// past the deadline, the error is handed on instead. It does not begin while the call is paused.
///
/// The layer also goes on with the [`Checkpoint`](belvedere_core::checkpoint::Checkpoint) of a call.
///
/// Place it outside `retry`, inside `route`: each target repairs its own answers, and each attempt of a repair has
/// the retries, the breaker and the time limits that a first one has. An answer that does not break is handed on
/// event for event; it costs a clone of the request and, for each event, one append to the partial answer. An answer that
/// was asked for as a whole and is all there costs nothing.
///
/// ```
/// use belvedere_core::event::{ContinuedBy, Notice};
/// use belvedere_core::layer::Layer;
/// use belvedere_core::service::Stack;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::repair::Repair;
///
/// // The wire is cut after two deltas, and the target goes on where it was cut.
/// let broken = Answer::deltas(["The sky is blue because ", "air scatters ", "short waves more."]).cut(3);
/// let target = ScriptedService::new([broken, Answer::text(" short waves more.")]);
/// let simulation = Simulation::new(1);
/// let stack = Repair::default().layer(Stack::new(target.clone()));
/// let answer = simulation.run(async {
///     stack.call(simulation.context(), "Why is the sky blue?".into()).await?.collect().await
/// })?;
/// assert_eq!(answer.text(), "The sky is blue because air scatters short waves more.");
/// assert!(matches!(answer.notices[0], Notice::Continued { by: ContinuedBy::Prefix, .. }));
/// assert!(target.requests()[1].continue_final_message);
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Repair {
    /// What is done about an answer that broke. Default `continue`.
    pub policy: Policy,
    /// How many further attempts a call may make here. Default 2.
    pub attempts: u32,
    /// The user's message that asks a target for the rest, where it can only be asked. `{tail}` stands for the end
    /// of what it said, as a JSON string. Default: [`Repair::ASK`], which is in no language.
    pub ask: String,
    /// The longest wait before the first further attempt; it doubles with each. Default `250ms`; `0s`: none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub backoff: Duration,
}

/// What is done about an answer that broke after some of it was handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Policy {
    /// It ends with the error, the partial answer inside.
    Fail,
    /// It is void, and a whole new one follows.
    Restart,
    /// It goes on where it broke; where that can't be had, it is restarted.
    #[default]
    Continue,
}

impl Repair {
    /// The default of [`ask`](Repair::ask).
    pub const ASK: &'static str = r#"{"continue_after": {tail}}"#;
}

impl Default for Repair {
    fn default() -> Self {
        Repair {
            policy: Policy::default(),
            attempts: 2,
            ask: Repair::ASK.to_owned(),
            // Streams that one upstream breaks together must not come back together.
            backoff: Duration::from_millis(250),
        }
    }
}

impl Layer for Repair {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(RepairService { repair: Arc::new(self.clone()), inner })
    }
}

/// A service whose answers are repaired.
#[derive(Debug)]
struct RepairService {
    repair: Arc<Repair>,
    inner: Stack,
}

impl Service for RepairService {
    fn info(&self) -> Info {
        match self.repair.policy {
            Policy::Fail => self.inner.info(),
            Policy::Restart | Policy::Continue => self.inner.info().with_resumes(),
        }
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            if let Some(checkpoint) = cx.call.resume.clone() {
                return Ok(Events::new(self.repaired(cx, request).resume(&checkpoint)));
            }
            let mut call = self.inner.call(cx.clone(), request.clone());
            let (answer, is_whole) = poll_fn(|cx| {
                let mut answer = ready!(call.as_mut().poll(cx));
                let is_whole = !request.stream && answer.as_mut().is_ok_and(|events| events.poll_whole(cx));
                Poll::Ready((answer, is_whole))
            })
            .await;
            // What is all there breaks no more.
            if is_whole {
                return answer;
            }
            Ok(Events::new(self.repaired(cx, request).begun(answer)?))
        })
    }
}

impl RepairService {
    fn repaired(&self, cx: Context, request: Request) -> Repaired {
        Repaired::new(self.repair.clone(), self.inner.clone(), cx, request)
    }
}
