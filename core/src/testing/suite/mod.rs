//! Behaviour suites: what every store, layer and wire protocol has to do, ready to run on your own.

mod store;

pub use store::{Pass, store};
