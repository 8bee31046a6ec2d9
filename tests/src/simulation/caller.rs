//! Who makes a call and reads its answer, and holds every event to the truth.

use std::sync::Arc;
use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::Clock;
use belvedere::context::Attempt;
use belvedere::error::TimeoutPhase;
use belvedere::event::Notice;
use belvedere::laws::Laws;
use belvedere::request::Options;
use belvedere::testing::TestClock;
use belvedere::usage::Usage;
use belvedere::{Completion, EndKind, Error, ErrorKind, Event, Events, Request, Result};
use futures_util::StreamExt;

use super::answer::{Answer, Reading};
use super::plan::{self, Act, Leaves, Pace, Plan, Verb};
use super::scene::Scene;
use super::upstream::CALL;
use super::{prompt, secrets_of};

/// One caller at its work.
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) clock: TestClock,
    pub(super) scene: Scene,
    pub(super) plan: Arc<Plan>,
    pub(super) call: usize,
}

impl Caller {
    /// Makes the call and reads it, as planned.
    pub(super) async fn run(self) {
        let Some(plan) = self.plan.callers.get(self.call).copied() else { return };
        self.clock.sleep(plan.begins).await;
        let request = self.request(&plan);
        let done = match plan.verb {
            Verb::Complete => {
                let answer = self.wait(self.client.complete(request)).await;
                self.collected(answer)
            }
            Verb::Collect => {
                let answer = self.wait(async { self.client.stream(request).await?.collect().await }).await;
                self.collected(answer)
            }
            Verb::Read | Verb::Peek => match self.wait(self.client.stream(request)).await {
                Ok(events) => Reader::of(&self).read(events).await,
                Err(error) => self.failed(&error),
            },
        };
        self.over(done);
    }

    fn request(&self, plan: &plan::Caller) -> Request {
        let mut options = Options::default();
        options.timeout = plan.deadline;
        options.pause = (plan.verb != Verb::Complete).then_some(plan.policy);
        options.scope.session = Some(self.call.to_string().into());
        options.scope.tenant = Some(plan.tenant.to_string().into());
        options.headers.insert(CALL.to_owned(), self.call.to_string());
        let mut request = Request::from(prompt(self.call)).with_options(options);
        request.model = (!plan.names_no_model).then(|| "simulated-1".into());
        request.max_tokens = plan.max_tokens;
        request
    }

    /// Waits for the pipeline, and counts the time.
    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let since = self.scene.lock().elapsed;
        self.scene.of(self.call, |seen| seen.waits_since = Some(since));
        let out = work.await;
        let now = self.scene.lock().elapsed;
        self.scene.of(self.call, |seen| {
            seen.waits_since = None;
            seen.waited += now.saturating_sub(since);
        });
        out
    }

    fn breach(&self, law: &'static str, what: impl std::fmt::Display) {
        self.scene.breach(law, format_args!("call {}: {what}", self.call));
    }

    /// The call has ended for its caller.
    fn over(&self, end: EndKind) {
        // What is taken out is dropped when the scene is not locked: it may tell of its end.
        let (_controller, open) = self.scene.of(self.call, |seen| {
            seen.end = Some(end);
            (seen.controller.take(), seen.lines.len())
        });
        self.scene.note(|| format!("call {} · over: {end:?}", self.call));
        if open > 0 && !self.plan.layers.rules.drains {
            self.breach("W4", format_args!("it ended as {end:?} with {open} open connections"));
        }
    }

    /// An error is the end. Its text must tell no secret.
    fn failed(&self, error: &Error) -> EndKind {
        let Caller { call, scene, .. } = self;
        scene.note(|| format!("call {call} · failed: {error}"));
        let text = format!("{error}\n{error:?}\n{:?}", error.history());
        for (what, secret) in secrets_of(*call) {
            if text.contains(&secret) {
                self.breach("W12", format_args!("{what} stands in the error: {error}"));
            }
        }
        if error.kind() == ErrorKind::Timeout(TimeoutPhase::Total) && is_of_the_client(error) {
            scene.act(*call, Act::Deadline);
            scene.of(*call, |seen| seen.late = true);
        }
        let redirected = error.provider().and_then(|said| said.status) == Some(307);
        if error.kind() == ErrorKind::Unexpected && !redirected {
            self.breach("error", format_args!("an unexpected error: {error:?}"));
        }
        match error.kind() {
            ErrorKind::Truncated => EndKind::Truncated,
            ErrorKind::Cancelled => EndKind::Cancelled,
            kind => {
                let harmed = scene.of(*call, |seen| seen.harmed);
                if !harmed && !matches!(kind, ErrorKind::Timeout(_)) && !self.is_refusal(kind) {
                    self.breach("sound", format_args!("nothing went wrong, and it failed: {error}"));
                }
                EndKind::Failed
            }
        }
    }

    /// True when a layer of the stack refuses calls like this, whatever their wires do.
    fn is_refusal(&self, kind: ErrorKind) -> bool {
        let layers = &self.plan.layers;
        match kind {
            ErrorKind::RateLimited => layers.has("limit") || layers.frame.has_any("breaker"),
            // A request that is larger than the limit.
            ErrorKind::InvalidRequest => layers.has("limit"),
            ErrorKind::CircuitOpen => layers.frame.has_any("breaker"),
            ErrorKind::BudgetExceeded => layers.has("budget"),
            ErrorKind::Store => layers.frame.store_fails,
            _ => false,
        }
    }

    /// A whole answer, or what is left of one.
    fn collected(&self, answer: Result<Completion>) -> EndKind {
        let read = |completion: Completion| {
            let mut reading = Reading::default();
            let events = completion.into_events();
            let items = belvedere::testing::run(StreamExt::collect::<Vec<_>>(events));
            items.iter().flatten().for_each(|event| reading.event(event));
            reading
        };
        match answer {
            Ok(completion) => {
                self.finished(&read(completion));
                EndKind::Finished
            }
            Err(error) => {
                let end = self.failed(&error);
                let reading = error.partial().cloned().map(read).unwrap_or_default();
                self.begins_an_answer(&reading);
                self.nothing_lost(&reading);
                end
            }
        }
    }

    fn truths(&self) -> Vec<Arc<Answer>> {
        self.scene.of(self.call, |seen| seen.truths.clone())
    }

    /// The attempts of the call, and of those that went on with it.
    fn attempts(&self) -> Vec<Attempt> {
        self.scene.of(self.call, |seen| seen.calls.iter().flat_map(|call| call.attempts()).collect())
    }

    /// Law W2.
    fn begins_an_answer(&self, reading: &Reading) {
        if !reading.is_empty() && !self.truths().iter().any(|truth| reading.is_prefix_of(truth)) {
            self.breach("W2", format_args!("what was read begins no answer: {reading:?}"));
        }
    }

    /// Hard case L11: all that passed the pipeline has come to the caller.
    fn nothing_lost(&self, reading: &Reading) {
        let (given, calls) = self.scene.of(self.call, |seen| (seen.given, seen.calls.len()));
        // A cancel drops what was read ahead in a pause.
        let plan = self.plan.callers.get(self.call);
        let ahead = plan.is_some_and(|plan| plan.pauses.is_some() && plan.leaves != Leaves::AtTheEnd);
        let cancelled = ahead || self.plan.close.is_some();
        // A call that goes on with a checkpoint gives what was there once more.
        if calls == 1 && !cancelled && reading.bytes() != given {
            self.breach("L11", format_args!("{given} bytes were given, and {} are left", reading.bytes()));
        }
    }

    /// A finished answer is the whole of one.
    fn finished(&self, reading: &Reading) {
        let truths = self.truths();
        let reason = reading.finish.as_ref().and_then(|finish| finish.reason);
        let whole: Vec<_> = truths.iter().filter(|truth| reading.is_whole(truth)).collect();
        if whole.is_empty() {
            return self.breach("W2", format_args!("finished with less than an answer: {reading:?}"));
        }
        // The same words may have been said more than once, for different reasons, and by other attempts.
        let mut said = whole.iter().filter(|truth| truth.reason() == reason).peekable();
        if said.peek().is_none() {
            return self.breach("W3", format_args!("finished for {reason:?}, which no upstream said"));
        }
        let attempts = self.attempts();
        let got = reading.usage.as_deref().map(tokens);
        let told = attempts.iter().filter_map(|attempt| attempt.usage.as_deref().map(tokens));
        let all = told.reduce(|(i, o), (input, output)| (sum(i, input), sum(o, output)));
        // A repair joins what its attempts used; others hand out one answer, with its own usage.
        let is_joined = attempts.len() > 1 && self.plan.layers.has("repair");
        let fits = said.any(|truth| truth.usage().map(tokens) == got) || (is_joined && got == all);
        // Where a wire sends usage after its terminal signal, a fault there loses it; and a checkpoint leaves out what
        // was read ahead.
        let may_lack = self
            .scene
            .of(self.call, |seen| seen.lacks_usage || (seen.harmed && got.is_none()) || seen.calls.len() > 1);
        if !fits && !may_lack {
            self.breach(
                "usage",
                format_args!("{got:?} was used, which no upstream said; all attempts: {all:?}"),
            );
        }
    }
}

/// Tokens read and written.
type Tokens = (Option<u64>, Option<u64>);

fn tokens(usage: &Usage) -> Tokens {
    (usage.input_tokens(), usage.output_tokens())
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).reduce(|one, other| one + other)
}

/// The call's own deadline, and not one of the layers', ended it.
fn is_of_the_client(error: &Error) -> bool {
    error.context().iter().any(|(key, value)| *key == "option" && value == "timeout")
}

/// Reads a stream event by event.
struct Reader<'a> {
    caller: &'a Caller,
    /// A layer of the stack makes one answer of several attempts.
    may_continue: bool,
    /// It cancels, or somebody does.
    cancels: bool,
    reading: Reading,
    laws: Laws,
}

impl<'a> Reader<'a> {
    fn of(caller: &'a Caller) -> Self {
        let may_continue = caller.plan.layers.has("repair");
        let leaves = caller.plan.callers.get(caller.call).map(|plan| plan.leaves);
        let cancels = leaves != Some(Leaves::AtTheEnd) || caller.plan.close.is_some();
        Reader { caller, may_continue, cancels, reading: Reading::default(), laws: Laws::default() }
    }

    async fn read(mut self, mut events: Events) -> EndKind {
        let Caller { scene, clock, call, plan, .. } = self.caller;
        let call = *call;
        let Some(plan) = plan.callers.get(call).copied() else { return EndKind::Cancelled };
        let controller = events.controller();
        scene.of(call, |seen| seen.controller = Some(controller));
        let mut failed = None;
        for taken in 0.. {
            match plan.leaves {
                Leaves::DropsAfter(many) if taken >= many => {
                    scene.act(call, Act::Drop);
                    drop(events);
                    return EndKind::Cancelled;
                }
                Leaves::CancelsAfter(many) if taken >= many => {
                    scene.act(call, Act::Cancel);
                    events.cancel();
                }
                _ => {}
            }
            match plan.pace {
                Pace::Slow(time) => clock.sleep(time).await,
                Pace::Stops(after, time) if after == taken => {
                    scene.act(call, Act::StopReading);
                    clock.sleep(time).await;
                }
                _ => {}
            }
            if plan.verb == Verb::Peek {
                self.caller.wait(events.peek()).await;
            }
            // What was looked at is taken, also in a pause.
            let now = |after: usize| after == taken && plan.verb == Verb::Read;
            let pause = plan.pauses.filter(|(after, _)| now(*after)).map(|(_, time)| time);
            let item = match pause {
                Some(time) => self.caller.wait(self.paused(&mut events, time)).await,
                None => self.caller.wait(events.next()).await,
            };
            match item {
                Some(Ok(event)) => self.event(&event),
                Some(Err(error)) => {
                    failed = Some(self.caller.failed(&error));
                    break;
                }
                None => break,
            }
        }
        self.ended(&mut events, failed).await;
        let end = events.end().unwrap_or(EndKind::Cancelled);
        if plan.keeps {
            scene.lock().kept.push(events);
        }
        end
    }

    /// Pauses the stream for a time, and waits for its next item: none comes before it goes on.
    async fn paused(&self, events: &mut Events, time: Duration) -> Option<Result<Event>> {
        let Caller { scene, clock, call, .. } = self.caller;
        let controller = events.controller();
        controller.pause();
        scene.act(*call, Act::Pause);
        let resume = async {
            clock.sleep(time).await;
            scene.note(|| format!("call {call} · resumed"));
            controller.resume();
        };
        let next = async {
            let item = events.next().await;
            if controller.is_paused() && matches!(item, Some(Ok(_))) {
                self.caller.breach("L16", "an event came in the pause");
            }
            item
        };
        futures_util::future::join(next, resume).await.0
    }

    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Notice(Notice::Restart { .. } | Notice::Continued { .. }))
            && !self.may_continue
        {
            self.caller.breach("W2", "an attempt joined another, and no layer does that");
        }
        if let Err(breach) = self.laws.event(event) {
            self.caller.breach("grammar", breach);
        }
        if matches!(event, Event::Notice(Notice::Restart { .. })) {
            self.reading = Reading::default();
        }
        self.reading.event(event);
        self.caller.begins_an_answer(&self.reading);
    }

    /// Laws of the end: there is one, it stays, and it is what the items said.
    async fn ended(&self, events: &mut Events, failed: Option<EndKind>) {
        let end = events.end();
        match (end, failed) {
            (Some(EndKind::Finished), None) => {
                self.caller.finished(&self.reading);
                if let Err(breach) = self.laws.finished() {
                    self.caller.breach("grammar", breach);
                }
            }
            (Some(EndKind::Cancelled), None) => {}
            (Some(end), Some(failed)) if end == failed => {}
            // A cancel drops what was read ahead, a failure too; the end stands.
            (Some(_), None) if self.cancels => {}
            _ => self.caller.breach("W3", format_args!("the end is {end:?} after {failed:?}")),
        }
        if end != Some(EndKind::Cancelled) {
            self.caller.nothing_lost(&self.reading);
        }
        for _ in 0..2 {
            if events.next().await.is_some() {
                self.caller.breach("W3", "an item after the end");
            }
        }
        if events.end() != end {
            self.caller.breach("W3", format_args!("the end {end:?} became {:?}", events.end()));
        }
    }
}
