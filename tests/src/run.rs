//! Running a scenario on virtual time.

use std::num::NonZeroUsize;
use std::pin::pin;

use belvedere::client::Client as CoreClient;
use belvedere::clock::Clock;
use belvedere::events::End;
use belvedere::log::Cursor;
use belvedere::request::Operation;
use belvedere::testing::Simulation;
use belvedere::{Checkpoint, Completion, Config, EndKind, Error, Events, Registry, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, select, try_join_all};
use serde_json::Value;

use crate::heard::Heard;
use crate::scenario::{Attach, Call, Cancel, Expect, Scenario, Sent, Verb};

/// The value of `TEST_KEY`, the one variable that is set.
const KEY: &str = "test-key-from-env";

/// Runs a scenario and compares.
///
/// # Errors
/// Every difference, in words.
pub fn run(scenario: &Scenario) -> Result<(), String> {
    let actual = run_and_record(scenario)?;
    let mut differences = Vec::new();
    compare("config_error", &scenario.config_error, &actual.config_error, &mut differences);
    for (i, (expected, actual)) in scenario.calls.iter().zip(&actual.calls).enumerate() {
        let (want, got) = (&expected.expect, &actual.expect);
        compare(&format!("calls[{i}].events"), &want.events, &got.events, &mut differences);
        compare(&format!("calls[{i}].end"), &want.end, &got.end, &mut differences);
        compare(&format!("calls[{i}].answer"), &want.answer, &got.answer, &mut differences);
        compare(&format!("calls[{i}].error"), &want.error, &got.error, &mut differences);
        compare(&format!("calls[{i}].error_text"), &want.error_text, &got.error_text, &mut differences);
        compare(&format!("calls[{i}].signals"), &want.signals, &got.signals, &mut differences);
        compare(&format!("calls[{i}].progress"), &want.progress, &got.progress, &mut differences);
        compare(&format!("calls[{i}].took"), &want.took, &got.took, &mut differences);
    }
    if let (true, [first, rest @ ..]) = (scenario.same_answers, actual.calls.as_slice()) {
        for (i, call) in rest.iter().enumerate() {
            let what = format!("calls[{}].answer, which is that of calls[0]", i + 1);
            compare(&what, &first.expect.answer, &call.expect.answer, &mut differences);
        }
    }
    compare("sent", &scenario.sent, &actual.sent, &mut differences);
    differences.extend(leaks(&actual));
    compare("aborted", &scenario.aborted, &actual.aborted, &mut differences);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n")),
    }
}

/// The same with every byte of the network in a piece of its own: it must make no difference (law W1).
///
/// # Errors
/// Every difference, in words.
pub fn run_in_single_bytes(scenario: &Scenario) -> Result<(), String> {
    let mut scenario = scenario.clone();
    for reply in &mut scenario.replies {
        reply.cut.clear();
        reply.every = Some(NonZeroUsize::MIN);
    }
    run(&scenario)
}

/// Where the key shows in what comes out (law W12): it belongs into the headers that go out, and nowhere else.
fn leaks(actual: &Scenario) -> Vec<String> {
    let results = actual.calls.iter().map(|call| serde_json::to_string(&call.expect).unwrap_or_default());
    let results = results.chain(actual.config_error.clone());
    results.filter(|text| text.contains(KEY)).map(|text| format!("the key shows in {text}")).collect()
}

fn compare<T: PartialEq + serde::Serialize>(
    what: &str,
    expected: &T,
    actual: &T,
    differences: &mut Vec<String>,
) {
    if expected != actual {
        let show = |value: &T| serde_json::to_string_pretty(value).unwrap_or_default();
        differences.push(format!("{what}\n  expected: {}\n  actual:   {}", show(expected), show(actual)));
    }
}

/// Runs a scenario and gives it back with what really came out in place of what was expected.
///
/// # Errors
/// A request of the scenario that is none.
pub fn run_and_record(scenario: &Scenario) -> Result<Scenario, String> {
    let simulation = Simulation::new(1);
    scenario.replies.iter().cloned().for_each(|reply| simulation.network.push(reply));
    let mut actual = Scenario { config_error: None, sent: Vec::new(), ..scenario.clone() };
    let config = Config::from(scenario.config.clone());
    let registry = belvedere::registry().with_env(environment);
    let heard = Heard::default();
    let client = match registry.client_with(&config, simulation.lent()) {
        Ok(client) if scenario.signals => client.on(heard.clone()),
        Ok(client) => client,
        Err(error) => {
            actual.config_error = Some(error.message().to_owned());
            return Ok(actual);
        }
    };
    let mut left = None;
    for group in actual.calls.chunk_by_mut(|_, next| next.together) {
        group
            .iter()
            .filter_map(|call| call.after)
            .for_each(|time| simulation.run(simulation.clock.sleep(time)));
        let mut checkpoints = vec![left; group.len()];
        let calls = group.iter_mut().zip(&mut checkpoints);
        let calls = calls.map(|(call, left)| take_turn(&registry, &client, call, left));
        simulation.run(try_join_all(calls))?;
        left = checkpoints.pop().flatten();
        group.iter_mut().take(1).for_each(|call| call.expect.signals = heard.take());
    }
    actual.sent = simulation.network.requests().iter().map(sent).collect();
    actual.aborted = simulation.network.aborted();
    drop(client);
    simulation.assert_idle();
    Ok(actual)
}

/// The environment of every scenario.
fn environment(name: &str) -> Option<String> {
    (name == "TEST_KEY").then(|| KEY.to_owned())
}

/// Performs a call, and writes down what came out. `left` is the checkpoint of the stream before, as JSON.
async fn take_turn(
    registry: &Registry,
    client: &CoreClient,
    call: &mut Call,
    left: &mut Option<String>,
) -> Result<(), String> {
    let began = client.lent().clock.now();
    call.expect = match call.verb {
        Verb::Reload => reload(registry, client, &call.request),
        _ => {
            let request: Request = match call.request.is_null() {
                true => Request::default(),
                false => serde_json::from_value(call.request.clone())
                    .map_err(|e| format!("{}: {e}", call.request))?,
            };
            perform(client, call, request, left).await
        }
    };
    let took = client.lent().clock.now().since(began);
    call.expect.took = (!took.is_zero()).then_some(took);
    Ok(())
}

fn reload(registry: &Registry, client: &CoreClient, document: &Value) -> Expect {
    match registry.reload(client, &Config::from(document.clone()), client.generation()) {
        Ok(generation) => Expect { answer: Some(generation.into()), ..Expect::default() },
        Err(error) => failed(&error, Expect::default()),
    }
}

async fn perform(
    client: &CoreClient,
    call: &Call,
    mut request: Request,
    left: &mut Option<String>,
) -> Expect {
    let cancel = cancel(client, call.cancel);
    match call.verb {
        Verb::Stream => return stream(client, call, cancel, client.stream(request), left).await,
        Verb::Resume => {
            let resumed = async {
                let checkpoint = Checkpoint::from_json(left.take().as_deref().unwrap_or_default())?;
                client.resume(checkpoint).await
            };
            return stream(client, call, cancel, resumed, &mut None).await;
        }
        Verb::Attach => {
            let Attach { id, offset, scope } = call.attach.clone().unwrap_or_default();
            return match client.attach(&id, offset, &scope) {
                Ok(reader) => attached(reader).await,
                Err(error) => failed(&error, Expect::default()),
            };
        }
        Verb::Collect => return whole(cancel, async { client.stream(request).await?.collect().await }).await,
        Verb::Complete => {}
        Verb::Embed => request.operation = Operation::Embed,
        Verb::Models => request.operation = Operation::Models,
        // It is no call.
        Verb::Reload => return Expect::default(),
    }
    whole(cancel, client.complete(request)).await
}

/// Ready when the caller cancels after a time.
fn cancel(client: &CoreClient, when: Option<Cancel>) -> BoxFuture<'static, ()> {
    match when {
        Some(Cancel::After(time)) => client.lent().clock.sleep(time),
        _ => Box::pin(std::future::pending()),
    }
}

async fn whole(
    cancel: BoxFuture<'static, ()>,
    answer: impl Future<Output = Result<Completion, Error>>,
) -> Expect {
    match select(pin!(answer), cancel).await {
        Either::Left((Ok(answer), _)) => {
            Expect { answer: serde_json::to_value(answer).ok(), ..Expect::default() }
        }
        Either::Left((Err(error), _)) => failed(&error, Expect::default()),
        Either::Right(_) => cancelled(),
    }
}

fn cancelled() -> Expect {
    Expect { end: Some(end_name(EndKind::Cancelled)), ..Expect::default() }
}

async fn stream(
    client: &CoreClient,
    call: &Call,
    cancel: BoxFuture<'static, ()>,
    opening: impl Future<Output = Result<Events, Error>>,
    left: &mut Option<String>,
) -> Expect {
    let mut expect = Expect::default();
    let (mut events, mut cancel) = match select(Box::pin(opening), cancel).await {
        Either::Left((Ok(events), cancel)) => (events, cancel),
        Either::Left((Err(error), _)) => return failed(&error, expect),
        Either::Right(_) => return cancelled(),
    };
    let control = events.controller();
    let mut pause = call.pause;
    let mut resume: BoxFuture<'static, ()> = Box::pin(std::future::pending());
    loop {
        if let Some(now) = pause.take_if(|pause| expect.events.len() >= pause.after_events) {
            control.pause();
            resume = client.lent().clock.sleep(now.lasts);
        }
        match select(events.next(), select(&mut cancel, &mut resume)).await {
            Either::Left((Some(Ok(event)), _)) => {
                expect.events.push(serde_json::to_value(event).unwrap_or_default());
            }
            Either::Left((Some(Err(error)), _)) => expect = failed(&error, expect),
            Either::Left((None, _)) => break,
            Either::Right((Either::Left(_), _)) => {
                events.cancel();
                cancel = Box::pin(std::future::pending());
            }
            Either::Right((Either::Right(_), _)) => {
                control.resume();
                resume = Box::pin(std::future::pending());
            }
        }
        if matches!(call.cancel, Some(Cancel::AfterEvents(n)) if expect.events.len() >= n) {
            events.cancel();
        }
        if call.leave.is_some_and(|n| expect.events.len() >= n) {
            return expect;
        }
    }
    expect.end = events.end().map(end_name);
    expect.progress = call.progress.then(|| serde_json::to_value(control.progress()).unwrap_or_default());
    *left = control.checkpoint().map(|checkpoint| checkpoint.to_json());
    expect
}

/// What a reader of a stream with an id gets. It may begin in the middle, so it is no stream of an answer.
async fn attached(mut reader: Cursor) -> Expect {
    let mut expect = Expect { end: Some(end_name(EndKind::Finished)), ..Expect::default() };
    while let Some(item) = reader.next().await {
        match item {
            Ok(event) => expect.events.push(serde_json::to_value(event).unwrap_or_default()),
            Err(error) => {
                let end = End::of(&error).kind();
                expect.end = Some(end_name(end));
                return if end == EndKind::Cancelled { expect } else { failed(&error, expect) };
            }
        }
    }
    expect
}

fn failed(error: &Error, expect: Expect) -> Expect {
    Expect { error: serde_json::to_value(error).ok(), error_text: Some(error.to_string()), ..expect }
}

fn end_name(end: EndKind) -> String {
    serde_json::to_value(end).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn sent(request: &http::Request<Bytes>) -> Sent {
    let usual = ["accept", "content-type"];
    let headers = request.headers().iter().filter(|(name, _)| !usual.contains(&name.as_str()));
    Sent {
        line: format!("{} {}", request.method(), request.uri()),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: match request.body().is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(request.body())
                .unwrap_or_else(|_| String::from_utf8_lossy(request.body()).into()),
        },
    }
}
