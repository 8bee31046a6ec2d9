//! The behaviour that every layer has.

use std::sync::Arc;

use std::task::Poll;

use futures_util::StreamExt;

use crate::client::Client;
use crate::completion::Fold;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Finish, FinishReason, Notice};
use crate::events::{EndKind, Events};
use crate::layer::Layer;
use crate::testing::{Answer, ScriptedService, Simulation, Step, Task};
use crate::usage::{Class, Usage};

/// Checks that a layer in its quiet settings changes nothing, tells every end as it is, and holds nothing back
/// after a call that was dropped or cancelled at any point. `make` makes a fresh one for each case.
///
/// # Panics
/// When the layer behaves otherwise; the message says how.
pub fn layer<L: Layer>(make: impl Fn() -> L) {
    passes_an_answer_through(&make);
    tells_a_refusal_as_it_is(&make);
    for k in 0..=events().len() {
        tells_an_error_as_it_is(&make, k);
        tells_a_cut_as_it_is(&make, k);
        releases_all_when_dropped(&make, k);
        releases_all_when_cancelled(&make, k);
    }
    releases_all_when_dropped_before_the_stream(&make);
}

/// The answer under every case.
fn events() -> Vec<Event> {
    let text = |delta: &str| Event::Text { choice: 0, part: 0, delta: delta.into() };
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(3));
    usage.set(Class::Output, Some(5));
    vec![
        Event::Start { id: Some("suite".into()), model: Some("scripted-1".into()) },
        text("one "),
        text("two "),
        text("three"),
        Event::PartEnd { choice: 0, part: 0 },
        Event::Usage(Arc::new(usage)),
        Event::Finish { choice: 0, finish: Finish { reason: Some(FinishReason::Stop), ..Finish::default() } },
    ]
}

/// A client of one scripted service behind the layer. Every call gets the same answer: a layer may try again.
struct Case {
    simulation: Simulation,
    service: ScriptedService,
    client: Client,
}

impl Case {
    fn new<L: Layer>(make: impl Fn() -> L, answer: Answer) -> Self {
        let simulation = Simulation::new(1);
        let service = ScriptedService::always(answer);
        let client = Client::new(service.clone(), simulation.lent()).layer(make());
        Case { simulation, service, client }
    }

    /// Reads an answer to its end: what is valid of it, and its error.
    fn read(&self) -> (Vec<Event>, Option<Error>) {
        let outcome = self.simulation.run(async {
            let mut seen = Vec::new();
            let mut stream = match self.client.stream("hi").await {
                Ok(stream) => stream,
                Err(error) => return (seen, Some(error)),
            };
            while let Some(item) = stream.next().await {
                match item {
                    // Law W2: what stands before a restart is void.
                    Ok(Event::Notice(Notice::Restart { .. })) => seen.clear(),
                    Ok(event) => seen.push(event),
                    Err(error) => return (seen, Some(error)),
                }
            }
            (seen, None)
        });
        self.assert_released("an answer that was read");
        outcome
    }

    fn assert_released(&self, what: &str) {
        assert_eq!(self.service.live(), 0, "{what} leaves a call alive");
        self.simulation.assert_idle();
    }

    /// Reads until `most` events came or the stream waits.
    fn begin(&self, most: usize) -> Option<Events> {
        let mut opening = Task::new(self.client.stream("hi"));
        let Poll::Ready(Ok(mut stream)) = self.simulation.poll(&mut opening) else { return None };
        for _ in 0..most {
            let mut next = Task::new(stream.next());
            if self.simulation.poll(&mut next).is_pending() {
                break;
            }
        }
        Some(stream)
    }
}

fn passes_an_answer_through<L: Layer>(make: impl Fn() -> L) {
    let case = Case::new(make, Answer::events(events()));
    let (seen, error) = case.read();
    assert_eq!(error.map(|e| e.to_string()), None, "a whole answer ends without an error");
    assert_eq!(seen, events(), "a whole answer passes as it is");
    assert_eq!(case.service.calls(), 1, "one request, one call");
    let mut fold = Fold::default();
    seen.iter().for_each(|event| fold.event(event));
    let whole = case.simulation.run(case.client.complete("hi"));
    assert_eq!(whole.ok().as_ref(), Some(fold.completion()), "a whole answer is the fold of its stream");
}

/// An error that nobody may try again.
fn refusal() -> Error {
    Error::new(ErrorKind::Forbidden, "the suite refuses")
}

fn tells_a_refusal_as_it_is<L: Layer>(make: impl Fn() -> L) {
    let case = Case::new(make, Answer::refused(refusal()));
    let (seen, error) = case.read();
    let kind = error.map(|e| e.kind());
    assert_eq!((seen, kind), (Vec::new(), Some(ErrorKind::Forbidden)), "a refusal is told as it is");
}

fn tells_an_error_as_it_is<L: Layer>(make: impl Fn() -> L, k: usize) {
    let case = Case::new(make, Answer::events(events()).with(k, Step::Fail(refusal())));
    let (seen, error) = case.read();
    let kind = error.map(|e| e.kind());
    assert_eq!(kind, Some(ErrorKind::Forbidden), "an error after {k} events is told as it is");
    assert!(events().starts_with(&seen), "before an error after {k} events: {seen:?}");
}

fn tells_a_cut_as_it_is<L: Layer>(make: impl Fn() -> L, k: usize) {
    if k == events().len() {
        return;
    }
    let case = Case::new(make, Answer::events(events()).cut(k));
    let (seen, error) = case.read();
    let kind = error.map(|e| e.kind());
    assert_eq!(kind, Some(ErrorKind::Truncated), "a cut after {k} events is Truncated (W3)");
    assert!(events().starts_with(&seen), "before a cut after {k} events: {seen:?}");
}

fn releases_all_when_dropped<L: Layer>(make: impl Fn() -> L, k: usize) {
    let case = Case::new(make, Answer::events(events()).with(k, Step::Stall));
    let stream = case.begin(k + 1);
    drop(stream);
    case.assert_released(&format!("a stream dropped after {k} events"));
}

fn releases_all_when_cancelled<L: Layer>(make: impl Fn() -> L, k: usize) {
    let case = Case::new(make, Answer::events(events()).with(k, Step::Stall));
    if let Some(mut stream) = case.begin(k + 1) {
        stream.cancel();
        assert_eq!(stream.end(), Some(EndKind::Cancelled), "a cancel after {k} events");
        case.assert_released(&format!("a stream cancelled after {k} events"));
    }
}

fn releases_all_when_dropped_before_the_stream<L: Layer>(make: impl Fn() -> L) {
    let case = Case::new(make, Answer::events(events()).opening(Step::Stall));
    let mut opening = Task::new(case.client.stream("hi"));
    let polled = case.simulation.poll(&mut opening);
    drop((opening, polled));
    case.assert_released("a call dropped before its stream");
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::layer::layer_fn;

    #[test]
    fn a_layer_that_passes_everything_on_behaves() {
        #[derive(Debug)]
        struct Plain;
        impl Layer for Plain {}
        layer(|| Plain);
        layer(|| layer_fn("plain", |cx, request, next| async move { next.call(cx, request).await }));
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "is Truncated (W3)")]
    fn l12_a_layer_that_shows_a_cut_as_a_clean_end_is_found() {
        layer(|| {
            layer_fn("mender", |cx, request, next| async move {
                let events = next.call(cx, request).await?;
                let finish = Event::Finish { choice: 0, finish: Finish::default() };
                let mended = events.map(move |item| match item {
                    Err(e) if e.kind() == ErrorKind::Truncated => Ok(finish.clone()),
                    item => item,
                });
                Ok(Events::new(mended))
            })
        });
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "leaves a call alive")]
    fn l1_a_layer_that_reads_on_after_a_drop_is_found() {
        layer(|| {
            layer_fn("reader", |cx, request, next| async move {
                let mut source = next.call(cx.clone(), request).await?;
                let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
                let pump = async move {
                    while let Some(item) = source.next().await {
                        let _ = sender.send(item);
                    }
                };
                cx.lent.spawner.spawn("pump", Box::pin(pump));
                let events = Events::new(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
                Ok(events)
            })
        });
    }
}
