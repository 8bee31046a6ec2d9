//! What tests in Python stand on.

mod mock;

pub(crate) use mock::MockServer;
