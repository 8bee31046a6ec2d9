//! What a client stands on.

use std::sync::Arc;

use belvedere::{Config, Registry};
use pyo3::prelude::*;

use crate::errors::raise;
use crate::host;
use crate::runtime;
use crate::testing::World;

/// What a client stands on: this process, or a simulated machine.
#[derive(Debug, Clone)]
pub(crate) enum Base {
    Process,
    Simulated(Arc<World>),
}

impl Base {
    /// What documents may name here, the functions of Python included.
    fn registry(&self) -> Registry {
        let mut registry = belvedere::registry();
        host::register(&mut registry);
        match self {
            Base::Process => registry,
            Base::Simulated(world) => world.with_env(registry),
        }
    }

    /// The client of a configuration.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong.
    pub(super) fn make(&self, py: Python<'_>, config: &Config) -> PyResult<belvedere::Client> {
        let handle = runtime::handle().map_err(|error| raise(py, &error))?;
        let registry = self.registry();
        let made = py.detach(|| {
            let _inside = handle.enter();
            match self {
                Base::Process => registry.client(config).map(Into::into),
                Base::Simulated(world) => world.client(&registry, config),
            }
        });
        made.map_err(|error| raise(py, &error))
    }

    /// Lets another configuration hold.
    ///
    /// # Errors
    /// `ConfigInvalid`: nothing changes.
    pub(super) fn reload(
        &self,
        py: Python<'_>,
        client: &belvedere::Client,
        config: &Config,
    ) -> PyResult<u64> {
        let handle = runtime::handle().map_err(|error| raise(py, &error))?;
        let registry = self.registry();
        let reloaded = py.detach(|| {
            let _inside = handle.enter();
            registry.reload(client, config, client.generation())
        });
        reloaded.map_err(|error| raise(py, &error))
    }
}
