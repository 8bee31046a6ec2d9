//! One generation of a client: the pipeline that a configuration built, with what is lent to it.

use std::sync::Arc;

use serde_json::Value;

use crate::config::{Plan, Stores};
use crate::context::Lent;
use crate::pipeline::Pipeline;
use crate::service::Stack;
use crate::streams::Rooms;

/// All that a call needs. It does not change: a reload makes another one, and calls in flight keep theirs.
#[derive(Debug, Clone)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) pipeline: Pipeline,
    /// What was lent, before any layer equipped it.
    pub(crate) bare: Lent,
    pub(crate) stack: Stack,
    pub(crate) lent: Arc<Lent>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) stores: Stores,
    /// The document's `transport`, where the registry's runtime lent it.
    pub(crate) transport: Option<Value>,
}

impl Generation {
    pub(super) fn new(pipeline: Pipeline, bare: Lent) -> Self {
        Generation {
            number: 1,
            rooms: Arc::new(Rooms::new(&bare)),
            stores: Stores::new(bare.clock.clone()),
            stack: pipeline.stack(),
            lent: Arc::new(pipeline.equip(bare.clone())),
            transport: None,
            pipeline,
            bare,
        }
    }

    /// The same around another pipeline, or another loan.
    pub(crate) fn rebuilt(&self, pipeline: Pipeline, bare: Lent) -> Self {
        Generation {
            stack: pipeline.stack(),
            lent: Arc::new(pipeline.equip(bare.clone())),
            pipeline,
            bare,
            ..self.clone()
        }
    }

    /// The generation that a document plans, after this one.
    pub(crate) fn planned(&self, plan: Plan, bare: Lent, transport: Option<Value>) -> Self {
        let mut next = self.rebuilt(plan.pipeline, bare);
        let settings = plan.streams.unwrap_or_default();
        next.rooms = Arc::new(self.rooms.with(settings, None));
        next.stores = plan.stores;
        next.transport = transport;
        next
    }
}
