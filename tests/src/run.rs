//! Running a scenario on virtual time.

use belvedere::client::Client as CoreClient;
use belvedere::clock::Clock;
use belvedere::testing::Simulation;
use belvedere::{Config, EndKind, Error, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::scenario::{Call, Cancel, Expect, Scenario, Sent, Verb};

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
        compare(&format!("calls[{i}].took"), &want.took, &got.took, &mut differences);
    }
    compare("sent", &scenario.sent, &actual.sent, &mut differences);
    compare("aborted", &scenario.aborted, &actual.aborted, &mut differences);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n")),
    }
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
    let client = match belvedere::registry().with_env(environment).client_with(&config, simulation.lent()) {
        Ok(client) => client,
        Err(error) => {
            actual.config_error = Some(error.message().to_owned());
            return Ok(actual);
        }
    };
    for (i, call) in actual.calls.iter_mut().enumerate() {
        let request: Request =
            serde_json::from_value(call.request.clone()).map_err(|e| format!("calls[{i}].request: {e}"))?;
        let began = simulation.clock.now();
        call.expect = simulation.run(perform(&client, call, request));
        let took = simulation.clock.now().since(began);
        call.expect.took = (!took.is_zero()).then_some(took);
    }
    actual.sent = simulation.network.requests().iter().map(sent).collect();
    actual.aborted = simulation.network.aborted();
    drop(client);
    simulation.assert_idle();
    Ok(actual)
}

/// The environment of every scenario.
fn environment(name: &str) -> Option<String> {
    (name == "TEST_KEY").then(|| "test-key-from-env".to_owned())
}

async fn perform(client: &CoreClient, call: &Call, request: Request) -> Expect {
    let outcome = match call.verb {
        Verb::Stream => return stream(client, call, request).await,
        Verb::Complete => client.complete(request).await,
        Verb::Embed => client.embed(request.input.iter().cloned()).await,
        Verb::Models => client.models().await,
    };
    match outcome {
        Ok(completion) => Expect { answer: serde_json::to_value(completion).ok(), ..Expect::default() },
        Err(error) => failed(&error, Expect::default()),
    }
}

async fn stream(client: &CoreClient, call: &Call, request: Request) -> Expect {
    let mut expect = Expect::default();
    let mut events = match client.stream(request).await {
        Ok(events) => events,
        Err(error) => return failed(&error, expect),
    };
    let cancel_after = call.cancel.map(|Cancel::AfterEvents(n)| n);
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => expect.events.push(serde_json::to_value(event).unwrap_or_default()),
            Err(error) => expect = failed(&error, expect),
        }
        if cancel_after.is_some_and(|n| expect.events.len() >= n) {
            events.cancel();
        }
    }
    expect.end = events.end().map(end_name);
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
            false => serde_json::from_slice(request.body()).unwrap_or_else(|_| json!("not JSON")),
        },
    }
}
