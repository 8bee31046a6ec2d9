//! The scenario corpus: what goes in and what must come out, as data, so that every language can run it; and recorded
//! streams, to cut.
//!
//! A scenario is one JSON file in `tests/scenarios`: a configuration, what the network does (cuts, delays and
//! faults included), the calls, and what each must give. Time is virtual: it moves when everybody waits.

pub mod cancels;
mod closes;
mod endless;
mod form;
mod heard;
mod recording;
mod repair;
mod run;
mod scenario;
pub mod simulation;
mod splits;

pub use closes::closes;
pub use endless::Endless;
pub use form::text;
pub use recording::{Outcome, Recording};
pub use repair::{Places, Report, break_and_repair};
pub use run::{run, run_and_record, run_in_single_bytes};
pub use scenario::{Call, Cancel, Expect, Pause, Scenario, Sent, Verb};
pub use splits::Truth;
