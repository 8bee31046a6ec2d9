//! Several targets: fallback, balance, second attempts beside slow ones.

mod allowance;
mod condition;
mod config;
mod flight;
mod health;
mod order;
mod pace;
mod peak;
mod roster;
mod round;
mod service;
mod target;

use std::any::Any;
use std::sync::{Arc, Mutex};

use belvedere_core::Result;
use belvedere_core::config::Build;
use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;

use crate::prices::PriceTable;
use allowance::Allowance;
pub use condition::Condition;
pub use config::{Ejection, Hedge, RouteConfig, Sticky, Strategy, TargetConfig};
use roster::{Roster, State};
use service::{Routed, Single};
use target::Goal;
pub use target::Target;

/// Answers by one of several targets, each a provider with layers of its own.
///
/// What stands inside the route is its first target, named `primary`; the `targets` follow. A document whose `route`
/// names all its targets needs no `provider`.
///
/// **Fallback.** When a target fails before its first content, the next one is asked, for streams and whole answers
/// alike; afterwards nothing is ever mixed. By default that is done after errors that pass, and after those that are
/// about the target and not about the request: a wrong key, an unknown model, a used-up quota, a context that is too
/// short, a parameter or a policy it lacks, an open breaker. A target with `when` is a fallback only, after these
/// kinds of error. A guard's verdict and a cancel are final. Each further attempt draws on the one budget of the
/// call; a target that refused without anything being sent costs nothing. When all fail, the error is the last one,
/// and its context `targets` says what each failed with.
///
/// **Balance.** `strategy` says who is asked first: `priority`, `weighted`, `least_latency` (an average that
/// follows peaks, and the better of two that are drawn), or `cost`. With `sticky: session` calls of one session go to the same
/// target while it is healthy, because there the beginning of the conversation is in the provider's cache.
///
/// **Hedge.** A call that has no content after the time in which 95% of its target's calls had some gets a second
/// attempt at the next target, or at the same one when there is no other. The first content wins, the other attempt
/// is dropped. Second attempts are at most 5% of the answered calls, and there are none while all calls are slow.
///
/// **Ejection.** A target that fails several times in a row, or far more than its peers, is only a last resort for a
/// while. Half of the targets stay, and at least one.
///
/// A request's model is meant for the provider of the first target. A target of another provider that has a model
/// of its own is asked for that one. What else differs for a target stands in its provider's `overlay`, what may be
/// sent there in its `policy`.
///
/// Place it outside of `repair`, `retry`, `breaker` and `timeout`, which belong to a target each, and inside of
/// everything that is about the whole call. With one target it costs next to nothing; with several it reads ahead up to
/// the first content, and an event costs nothing afterwards. `least_latency` and `ejection` look at each event, because
/// a stream may fail late.
///
/// ```
/// use belvedere_core::clock::Clock;
/// use belvedere_core::client::Client;
/// use belvedere_core::error::{Error, ErrorKind};
/// use belvedere_core::event::Notice;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::route::{Route, RouteConfig, Target};
///
/// let main = ScriptedService::new([Answer::refused(Error::new(ErrorKind::Overloaded, "busy"))]);
/// let mut backup = Target::new(ScriptedService::new([Answer::text("Here I am.")]));
/// backup.name = "backup".into();
/// let mut config = RouteConfig::default();
/// config.targets = vec![backup];
///
/// let simulation = Simulation::new(1);
/// let client = Client::new(main, simulation.lent()).layer(Route::build(config)?);
/// let answer = simulation.run(client.complete("Anybody there?"))?;
/// assert_eq!(answer.text(), "Here I am.");
/// assert!(matches!(&answer.notices[..], [Notice::FellBack { from, to, .. }] if from == "primary" && to == "backup"));
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Route {
    config: RouteConfig<Target>,
    /// Of the targets, in order; of what stands inside, at the end.
    states: Vec<Arc<State>>,
    inside: Arc<State>,
    allowance: Arc<Allowance>,
    gate: Arc<Mutex<()>>,
}

impl Route {
    /// A route over these targets.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists all that is wrong.
    pub fn build(config: RouteConfig<Target>) -> Result<Self> {
        config.check()?;
        let states = config.targets.iter().map(|_| Arc::default()).collect();
        let (inside, allowance, gate) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Route { config, states, inside, allowance, gate })
    }

    /// A route from its document.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists all that is wrong, also inside the targets.
    pub fn from_config(config: RouteConfig, build: &Build<'_>) -> Result<Self> {
        let target = |(i, document): (usize, &TargetConfig)| {
            let TargetConfig { name, provider, layers, weight, when } = document;
            let mut target = Target::of(build.pipeline(&format!("targets[{i}]"), provider, layers)?);
            if let Some(name) = name {
                target.name = name.clone();
            }
            (target.weight, target.when) = (*weight, when.clone());
            Ok(target)
        };
        // All of them, so that all faults are found.
        let targets: Vec<_> = config.targets.iter().enumerate().map(target).collect();
        let targets = targets.into_iter().collect::<Result<_>>()?;
        Route::build(config.with_targets(targets))
    }
}

impl Layer for Route {
    fn layer(&self, inner: Stack) -> Stack {
        let RouteConfig { strategy, sticky, hedge, ejection, prices, primary, targets } = &self.config;
        let inside = (!inner.info().is_nowhere())
            .then(|| (Goal::primary(primary.clone(), inner.clone()), &self.inside));
        let targets = targets.iter().map(Goal::new).zip(&self.states);
        let (goals, states): (Vec<Goal>, Vec<_>) = inside.into_iter().chain(targets).unzip();
        let Some(first) = goals.first().map(|goal| goal.info.clone()) else { return inner };
        let mut goals: Vec<Goal> = goals.into_iter().map(|goal| goal.beside(&first)).collect();
        if goals.len() == 1
            && hedge.is_none()
            && let Some(goal) = goals.pop()
        {
            return Stack::new(Single(goal));
        }
        let members = goals.iter().map(|goal| goal.name.clone()).zip(states.into_iter().cloned()).collect();
        let (strategy, hedge, ejection, gate) = (*strategy, *hedge, *ejection, self.gate.clone());
        let prices = (strategy == Strategy::Cost).then(|| PriceTable::with(prices.clone()));
        let roster = Arc::new(Roster { members, strategy, hedge, ejection, prices, gate });
        Stack::new(Routed { goals, roster, sticky: *sticky, allowance: self.allowance.clone() })
    }

    fn inside(&self) -> Vec<Arc<dyn Layer>> {
        self.config.targets.iter().flat_map(|target| target.pipeline.layers()).cloned().collect()
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        let Some(before) = (previous as &dyn Any).downcast_ref::<Route>() else { return };
        for (target, state) in self.config.targets.iter_mut().zip(&mut self.states) {
            let mut known = before.config.targets.iter().zip(&before.states);
            if let Some((same, known)) = known.find(|(same, _)| same.name == target.name) {
                target.pipeline.adopt(&same.pipeline);
                *state = known.clone();
            }
        }
        if self.config.primary == before.config.primary {
            self.inside = before.inside.clone();
        }
        self.allowance = before.allowance.clone();
        self.gate = before.gate.clone();
    }
}
