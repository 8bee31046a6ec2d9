//! Memory that does not grow with the calls made (O5).
//!
//! All memory of the process is counted, so this test is alone in its program.

use std::time::Duration;

use belvedere::context::Context;
use belvedere::error::{Error, ErrorKind};
use belvedere::request::{Request, Scope};
use belvedere::service::{Info, Service};
use belvedere::testing::Simulation;
use belvedere::{Completion, Config, Events, Result};
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Answers; each tenth call fails.
#[derive(Debug, Default)]
struct Mostly(std::sync::atomic::AtomicU64);

#[async_trait::async_trait]
impl Service for Mostly {
    fn info(&self) -> Info {
        Info::new("mostly", "mostly").with_model(Some("m".into()))
    }

    async fn call(&self, _: Context, _: Request) -> Result<Events> {
        match self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 10 {
            9 => Err(Error::new(ErrorKind::Overloaded, "busy")),
            _ => Ok(Completion::of_text("hello").into_events()),
        }
    }
}

#[test]
fn o5_memory_does_not_grow_with_the_calls_made() {
    let simulation = Simulation::new(1);
    let mut registry = belvedere::registry();
    registry.host_provider("mostly", Mostly::default());
    let experiment = json!({ "name": "e", "arms": [{ "model": "a" }, { "model": "b" }] });
    let document = json!({
        "provider": { "type": "host", "name": "mostly" },
        "layers": [
            { "type": "choose", "experiment": experiment },
            { "type": "degrade", "answer": "sorry" },
            { "type": "retry", "attempts": 2 },
            { "type": "breaker" },
            { "type": "timeout" },
        ],
    });
    let client = registry.client_with(&Config::from(document), simulation.lent()).unwrap();
    let ask = |calls: u64| {
        for i in 0..calls {
            let mut scope = Scope::default();
            scope.user = Some(format!("user {}", i % 1_000).into());
            simulation.run(client.complete(Request::from("hi").with_scope(scope))).unwrap();
            simulation.advance(Duration::from_millis(1));
        }
        MEMORY.current_usage()
    };
    let warm = ask(20_000);
    let sizes = [(); 4].map(|()| ask(20_000));
    println!("after 20,000 calls {warm} bytes, then after each further 20,000: {sizes:?}");
    let grown = sizes.into_iter().max().unwrap_or_default().saturating_sub(warm);
    assert!(grown < 64 << 10, "{grown} bytes more after 80,000 calls");
}
