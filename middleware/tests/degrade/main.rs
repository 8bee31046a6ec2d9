//! The degrade layer over scripted services.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on fails")]

mod answers;
mod config;
mod never;
mod smaller;

use std::sync::{Arc, Mutex};

use belvedere_core::client::Client;
use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind, TimeoutPhase};
use belvedere_core::event::{Event, Notice};
use belvedere_core::hooks::Signal;
use belvedere_core::layer::layer_fn;
use belvedere_core::request::{Request, Scope};
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::degrade::{DEGRADED, Degrade, Reason};
use serde_json::{Value, json};

const EVERY: [ErrorKind; 21] = {
    use ErrorKind::*;
    [
        Network,
        Overloaded,
        Timeout(TimeoutPhase::Idle),
        Truncated,
        Malformed,
        CircuitOpen,
        Store,
        RateLimited,
        Unauthorized,
        Forbidden,
        InvalidRequest,
        ContextTooLong,
        Unsupported,
        ConfigInvalid,
        ModelNotFound,
        ContentFiltered,
        QuotaExhausted,
        BudgetExceeded,
        Blocked,
        Cancelled,
        Unexpected,
    ]
};

fn degrade(json: Value) -> Degrade {
    serde_json::from_value::<Degrade>(json).unwrap().checked().unwrap()
}

fn refused(kind: ErrorKind) -> Answer {
    Answer::refused(Error::new(kind, "no"))
}

fn tags<const N: usize>(tags: [(&str, &str); N]) -> Scope {
    let mut scope = Scope::default();
    scope.tags.extend(tags.map(|(name, value)| (name.into(), value.into())));
    scope
}

/// A client of one provider behind the layer; it keeps what the hooks hear, and who answered.
struct Case {
    simulation: Simulation,
    service: ScriptedService,
    client: Client,
    signals: Arc<Mutex<Vec<Signal>>>,
    answered_by: Arc<Mutex<Option<String>>>,
}

impl Case {
    fn new(degrade: Degrade, answers: impl IntoIterator<Item = Answer>) -> Self {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new(answers);
        let (signals, answered_by) =
            (Arc::<Mutex<Vec<Signal>>>::default(), Arc::<Mutex<Option<String>>>::default());
        let (heard, seen) = (signals.clone(), answered_by.clone());
        // What a cache outside of the layer would see.
        let outside = layer_fn("outside", move |cx, request, next| {
            let seen = seen.clone();
            async move {
                let call = cx.call.clone();
                let answer = next.call(cx, request).await;
                *seen.lock().unwrap() = call.answered_by().map(|target| target.to_string());
                answer
            }
        });
        let client = Client::new(service.clone(), simulation.lent())
            .on(move |signal: &Signal| heard.lock().unwrap().push(signal.clone()))
            .layer(outside)
            .layer(degrade);
        Case { simulation, service, client, signals, answered_by }
    }

    fn ask(&self, request: impl Into<Request>) -> belvedere_core::Result<Completion> {
        let answer = self.simulation.run(self.client.complete(request.into()));
        assert_eq!(self.service.live(), 0, "the source is closed");
        self.simulation.assert_idle();
        answer
    }

    fn text(&self, request: impl Into<Request>) -> String {
        self.ask(request).unwrap().text()
    }

    fn signals(&self) -> Vec<String> {
        let name =
            |signal: &Signal| serde_json::to_value(signal).unwrap()["type"].as_str().unwrap().to_owned();
        self.signals.lock().unwrap().iter().map(name).collect()
    }
}
