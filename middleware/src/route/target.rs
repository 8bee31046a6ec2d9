//! A target: a provider with layers of its own.

use std::sync::{Arc, OnceLock};

use belvedere_core::SmolStr;
use belvedere_core::context::{Context, Lent};
use belvedere_core::error::ErrorKind;
use belvedere_core::layer::Layer;
use belvedere_core::pipeline::Pipeline;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Stack};

use super::condition::{Condition, is_final, is_of_target};

/// One of the services a route chooses from.
///
/// ```
/// use belvedere_core::testing::ScriptedService;
/// use belvedere_middleware::route::Target;
/// use belvedere_middleware::timeout::Timeout;
///
/// let mut target = Target::new(ScriptedService::new([])).layer(Timeout::default());
/// assert_eq!(target.name, "scripted/scripted-1");
/// target.name = "backup".into();
/// target.weight = 3;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name. Default: `provider/model`.
    pub name: SmolStr,
    /// The provider and its layers.
    pub pipeline: Pipeline,
    /// Its share where shares are drawn. 0: only a fallback. Default: 1.
    pub weight: u32,
    /// Makes it a fallback only, asked after these kinds of error.
    pub when: Option<Vec<Condition>>,
}

impl Target {
    /// A target without layers.
    pub fn new(provider: impl Into<Stack>) -> Self {
        Target::of(Pipeline::new(provider))
    }

    /// A target of a provider and its layers.
    pub(super) fn of(pipeline: Pipeline) -> Self {
        Target { name: name_of(&pipeline.stack().info()), pipeline, weight: 1, when: None }
    }

    /// Adds a layer inside those added before.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.pipeline.push(Arc::new(layer));
        self
    }
}

fn name_of(info: &Info) -> SmolStr {
    match &info.model {
        Some(model) => format!("{}/{model}", info.name).into(),
        None => info.name.clone(),
    }
}

/// A target as calls see it.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) name: SmolStr,
    pub(super) stack: Stack,
    pub(super) info: Info,
    pub(super) weight: u32,
    pub(super) when: Option<Vec<Condition>>,
    /// Layers that may equip what is lent, and what they made of it.
    equips: Option<(Pipeline, OnceLock<Equipped>)>,
    /// Whether a model that a request names is another provider's.
    is_foreign: bool,
}

#[derive(Debug)]
struct Equipped {
    bare: Arc<Lent>,
    lent: Arc<Lent>,
}

impl Goal {
    /// What stands inside the route.
    pub(super) fn primary(name: SmolStr, stack: Stack) -> Self {
        let info = stack.info();
        Goal { name, stack, info, weight: 1, when: None, equips: None, is_foreign: false }
    }

    pub(super) fn new(target: &Target) -> Self {
        let stack = target.pipeline.stack();
        let has_layers = !target.pipeline.layers().is_empty();
        Goal {
            name: target.name.clone(),
            info: stack.info(),
            stack,
            weight: target.weight,
            when: target.when.clone(),
            equips: has_layers.then(|| (target.pipeline.clone(), OnceLock::new())),
            is_foreign: false,
        }
    }

    /// Says who the requests are written for.
    pub(super) fn beside(mut self, first: &Info) -> Self {
        self.is_foreign = self.info.name != first.name && self.info.model.is_some();
        self
    }

    /// The context of a call to it, with what is lent as its own layers equip it. That is made once, because it is
    /// the same for each call.
    pub(super) fn context(&self, mut cx: Context) -> Context {
        if let Some((pipeline, equipped)) = &self.equips {
            let equip =
                || Equipped { bare: cx.lent.clone(), lent: Arc::new(pipeline.equip(Lent::clone(&cx.lent))) };
            let known = equipped.get_or_init(equip);
            cx.lent = match Arc::ptr_eq(&known.bare, &cx.lent) {
                true => known.lent.clone(),
                false => equip().lent,
            };
        }
        cx.target = Some(self.name.clone());
        cx
    }

    /// The request as it is sent there: a model of another provider gives way to its own.
    pub(super) fn request(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if self.is_foreign {
            request.model = None;
        }
        request
    }

    /// The model that it would be asked for.
    pub(super) fn model<'a>(&'a self, request: &'a Request) -> Option<&'a SmolStr> {
        let named = request.model.as_ref().filter(|_| !self.is_foreign);
        named.or(self.info.model.as_ref())
    }

    /// Whether it may answer after an error of this kind.
    pub(super) fn takes(&self, kind: ErrorKind) -> bool {
        match &self.when {
            _ if is_final(kind) => false,
            Some(conditions) => conditions.iter().any(|condition| condition.holds(kind)),
            None => is_of_target(kind),
        }
    }
}
