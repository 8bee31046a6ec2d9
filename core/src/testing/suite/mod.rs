//! Behaviour suites: what every store, layer and wire protocol has to do, ready to run on your own.

mod layer;
mod provider;
mod store;

pub use layer::layer;
pub use provider::provider;
pub use store::{Pass, store};
