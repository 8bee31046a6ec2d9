//! What tests stand on: a clock that is moved by hand, seeded randomness, scripted services and transports, and
//! behaviour suites for implementations outside this project.
//!
//! Nothing here needs a runtime: [`run`] polls one future, and a [`Simulation`] runs a whole pipeline, in one
//! thread, on every target, the same way each time.

mod answer;
mod aws;
pub mod cassette;
mod clock;
pub mod debugger;
mod entropy;
mod reply;
mod service;
mod simulation;
mod spawner;
mod store;
pub mod suite;
mod task;
mod transport;

use crate::config::Registry;

pub use answer::{Answer, Step};
pub use aws::AwsMessage;
pub use clock::TestClock;
pub use entropy::SeededEntropy;
pub use reply::{Delay, Fault, Piece, Reply};
pub use service::ScriptedService;
pub use simulation::{Simulation, lent};
pub use spawner::TestSpawner;
pub use store::{FaultyStore, StoreFault};
pub use task::{Task, run};
pub use transport::ScriptedTransport;

/// Lets configuration documents name the layers of the testing kit: `cassette`, `debugger`.
pub fn register(registry: &mut Registry) {
    registry.layer::<cassette::CassetteLayer>("cassette");
    registry.layer::<debugger::DebuggerLayer>("debugger");
}
