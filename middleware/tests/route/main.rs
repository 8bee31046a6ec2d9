//! The route layer over targets that fail or are slow, and on a clock that is moved by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod balance;
mod config;
mod ejection;
mod fallback;
mod fit;
mod hedge;
mod life;
mod reload;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::client::Client;
use belvedere_core::completion::Completion;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::{EndKind, Events};
use belvedere_core::hooks::Signal;
use belvedere_core::request::{Options, Request};
use belvedere_core::service::{Info, Nowhere, Service};
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step, Task};
use belvedere_middleware::route::{Condition, Ejection, Hedge, Route, RouteConfig, Sticky, Strategy, Target};
use futures_util::StreamExt;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// A scripted service of another provider.
#[derive(Debug, Clone)]
struct Of(&'static str, &'static str, ScriptedService);

#[async_trait]
impl Service for Of {
    fn info(&self) -> Info {
        Info::new(self.0, "scripted").with_model(Some(self.1.into()))
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        self.2.call(cx, request).await
    }
}

fn failed(kind: ErrorKind) -> Error {
    Error::new(kind, "no")
}

fn failing(kind: ErrorKind) -> Answer {
    Answer::refused(failed(kind))
}

/// An answer whose first content comes after this long.
fn after(wait: Duration, text: &str) -> Answer {
    Answer::text(text).with(1, Step::Wait(wait))
}

fn target(name: &str, service: &ScriptedService) -> Target {
    let mut target = Target::new(service.clone());
    target.name = name.into();
    target
}

fn when(mut target: Target, kinds: &[ErrorKind]) -> Target {
    target.when = Some(kinds.iter().map(|kind| Condition::new(*kind).unwrap()).collect());
    target
}

fn config(targets: Vec<Target>) -> RouteConfig<Target> {
    let mut config = RouteConfig::default();
    config.targets = targets;
    config
}

/// A client of targets that may be told apart by their letters: a, b, c.
fn client_of(simulation: &Simulation, config: RouteConfig<Target>) -> Client {
    Client::new(Nowhere, simulation.lent()).layer(Route::build(config).unwrap())
}

/// Targets a, b, c of these services.
fn targets<const N: usize>(services: &[ScriptedService; N]) -> Vec<Target> {
    ["a", "b", "c", "d"].iter().zip(services).map(|(name, service)| target(name, service)).collect()
}

/// What a client's hooks heard, in short.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn by(&self, client: Client) -> Client {
        let heard = self.0.clone();
        client.on(move |signal: &Signal| {
            let text = match signal {
                Signal::Fallback { from, to, reason, .. } => format!("{from} -> {to}: {}", reason.name()),
                Signal::Hedge { target, after, .. } => format!("hedge {target} after {after:?}"),
                Signal::Ejected { target, lasts } => format!("ejected {target} for {lasts:?}"),
                other => format!("{other:?}"),
            };
            if !text.starts_with("Error") {
                heard.lock().unwrap().push(text);
            }
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn notices(answer: &Completion) -> Vec<String> {
    let short = |notice: &Notice| match notice {
        Notice::FellBack { from, to, reason } => format!("{from} -> {to}: {reason}"),
        Notice::Hedged { target } => format!("hedged {target}"),
        other => format!("{other:?}"),
    };
    answer.notices.iter().map(short).collect()
}

/// The attempts of a call: target and end.
fn attempts(answer: &Completion) -> Vec<(String, EndKind)> {
    let short = |attempt: &belvedere_core::context::Attempt| {
        (attempt.target.clone().unwrap_or_default().to_string(), attempt.end.unwrap())
    };
    answer.attempts.iter().map(short).collect()
}

fn complete(simulation: &Simulation, client: &Client) -> Result<Completion> {
    simulation.run(client.complete("hi"))
}

fn text(simulation: &Simulation, client: &Client) -> String {
    complete(simulation, client).unwrap().text()
}
