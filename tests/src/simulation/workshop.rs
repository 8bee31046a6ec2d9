//! Builds the clients of runs from documents, as a user does, and reloads them.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use belvedere::client::Client;
use belvedere::context::Lent;
use belvedere::service::Stack;
use belvedere::{Config, Error, ErrorKind, Registry, Result};
use serde_json::{Value, json};

use super::plan::Plan;
use super::settings::typed;
use super::vault::Vault;
use super::witness::Witness;

/// The name of the run's store in its documents.
pub(super) const STORE: &str = "vault";

/// What documents may name: all of this build, and what a run gives. Schemas take longer to make than a run takes, so
/// each thread keeps one.
struct Workshop {
    registry: Registry,
    vault: Arc<Mutex<Option<Vault>>>,
}

thread_local! {
    static WORKSHOP: RefCell<Workshop> = RefCell::new(Workshop::new());
}

impl Workshop {
    fn new() -> Self {
        let mut registry = belvedere::registry();
        let vault: Arc<Mutex<Option<Vault>>> = Arc::default();
        let there = vault.clone();
        registry.store(STORE, move |_: Value, _| {
            let vault = there.lock().unwrap_or_else(PoisonError::into_inner).clone();
            vault.ok_or_else(|| Error::new(ErrorKind::ConfigInvalid, "the run has no store"))
        });
        Workshop { registry, vault }
    }

    /// Gives the registry what belongs to a run.
    fn furnish(&mut self, plan: &Plan, stage: &Stage, generation: u64) {
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage.vault.clone());
        for (index, service) in stage.upstreams.iter().enumerate() {
            self.registry.host_provider(upstream(index), service.clone());
        }
        let targets = plan.layers.frame.targets.len();
        for at in plan.levels().chain((0..targets).map(beside)) {
            // A timeout does not know what takes time inside of it.
            let settles = stage.witness.settles.filter(|_| at < plan.layers.chosen.len());
            let witness = Witness { level: at, generation, settles, ..stage.witness.clone() };
            self.registry.host_layer(level(at), witness);
        }
    }
}

/// What the documents of a run name.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) vault: Vault,
    pub(super) upstreams: Vec<Stack>,
    pub(super) witness: Witness,
    /// How much a paused stream buffers.
    pub(super) buffer: u64,
}

/// The first generation of a run's client.
pub(super) fn client(plan: &Plan, stage: &Stage, lent: Lent) -> Result<Client> {
    WORKSHOP.with_borrow_mut(|workshop| {
        workshop.furnish(plan, stage, 1);
        workshop.registry.client_with(&document(plan, stage, 0).into(), lent)
    })
}

/// Lets the next generation hold, or one that can't.
pub(super) fn reload(plan: &Plan, stage: &Stage, client: &Client, is_sound: bool) -> Result<u64> {
    let from = client.generation();
    let index = usize::try_from(from).unwrap_or(usize::MAX);
    let mut document = document(plan, stage, index);
    if let (Value::Object(document), false) = (&mut document, is_sound) {
        document.insert("layers".into(), json!([{ "type": "timeout", "total": "soon" }]));
    }
    WORKSHOP.with_borrow_mut(|workshop| {
        workshop.furnish(plan, stage, from + 1);
        workshop.registry.reload(client, &Config::from(document), from)
    })
}

/// The document of a generation.
fn document(plan: &Plan, stage: &Stage, generation: usize) -> Value {
    let mut layers = vec![host(&level(0))];
    for (at, chosen) in plan.layers.chosen.iter().enumerate() {
        let config = chosen.configs.get(generation).or(chosen.configs.last());
        layers.push(typed(chosen.name, config.cloned().unwrap_or_default()));
        layers.push(host(&level(at + 1)));
    }
    json!({
        "provider": host(&upstream(0)),
        "layers": layers,
        "streams": { "buffer": stage.buffer },
        "stores": { STORE: { "type": STORE } },
    })
}

/// The document of a target beside the first.
pub(super) fn target(index: usize, layers: Vec<Value>, weight: u64, when: Option<[&str; 3]>) -> Value {
    let mut all = vec![host(&level(beside(index - 1)))];
    all.extend(layers);
    json!({
        "name": upstream(index), "provider": host(&upstream(index)), "layers": all,
        "weight": weight, "when": when,
    })
}

fn host(name: &str) -> Value {
    json!({ "type": "host", "name": name })
}

fn level(level: usize) -> String {
    format!("level {level}")
}

/// The level of the witness around a further target of a route: inside of everything that stands in a row.
fn beside(index: usize) -> usize {
    100 + index
}

/// What an upstream is called.
pub(super) fn upstream(index: usize) -> String {
    format!("upstream-{index}")
}
