//! Which model a request goes to: by rules, by experiment, and a cheaper one near a budget.

mod complexity;
mod experiment;
mod outcomes;
mod reading;
mod report;
mod rule;
mod sequential;
mod service;

use std::any::Any;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::layer::Layer;
use belvedere_core::request::Scope;
use belvedere_core::service::Stack;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use complexity::Complexity;
pub use experiment::{Arm, By, Experiment};
use outcomes::Outcomes;
pub use report::{ArmReport, Comparison, Report};
pub use rule::{Rule, TASK};
pub use sequential::Sample;
use service::ChooseService;

/// Chooses the model of a request that names none. Who says so, first to last:
///
/// 1. `near_budget`: once that much of a budget is used, the cheaper model.
/// 2. `experiment`: the model of the call's arm.
/// 3. `rules`: the first that applies.
///
/// Where none of them does, the provider's configured model answers. A request that names a model keeps it, unless
/// `override` is set. The model is written into the request, so layers further in see it as if the caller had named it:
/// the cache has it in its key. Where the caller's own word is overruled, and near a budget, the stream begins with
/// [`Notice::Chosen`](belvedere_core::event::Notice::Chosen).
///
/// Place it inside `budget` and `limit`, which know what is left, and outside of `cache` and `route`. A rule costs a few
/// comparisons. A threshold costs one pass over the text of the last turn, [`Complexity::of`]; so does a task, for
/// calls without the tag [`TASK`]. An event costs nothing, except in an experiment: its calls are watched to their end.
///
/// A clone is a handle: [`report`](Choose::report) tells how an experiment stands, [`record`](Choose::record) adds what
/// people thought of the answers.
///
/// ```
/// use belvedere_core::client::Client;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::choose::Choose;
///
/// let choose: Choose = serde_json::from_str(
///     r#"{"rules": [{"complexity_threshold": 0.3, "preferred": "small", "fallback": "large"}]}"#,
/// )?;
/// let simulation = Simulation::new(1);
/// let provider = ScriptedService::always(Answer::text("42"));
/// let client = Client::new(provider.clone(), simulation.lent()).layer(choose);
/// simulation.run(client.complete("What is the capital of France?"))?;
/// simulation.run(client.complete("3 pipes fill 40 l at 2, 3 and 5 l/min; pipe 2 closes after 90 s. How long?"))?;
/// let models: Vec<_> = provider.requests().iter().map(|r| r.model.clone().unwrap_or_default()).collect();
/// assert_eq!(models, ["small", "large"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Choose {
    /// Which model requests of a kind go to. Default: none.
    pub rules: Vec<Rule>,
    /// Calls are split among several models. Default `null`: no experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// A cheaper model near a budget. Default `null`: the same model to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_budget: Option<NearBudget>,
    /// Whether it also chooses for requests that name a model. Default `false`: the caller's word holds.
    #[serde(rename = "override")]
    pub overrides: bool,
    #[serde(skip)]
    outcomes: Outcomes,
}

/// A cheaper model near a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NearBudget {
    /// From this share of a budget on, reservations included; 0.8 is 80%. Of several budgets, the one that is used most
    /// counts.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub above: f64,
    /// The model to ask then.
    #[schemars(with = "String", length(min = 1))]
    pub model: SmolStr,
}

impl NearBudget {
    /// Asks this model once more than that share of a budget is used.
    pub fn new(above: f64, model: impl Into<SmolStr>) -> Self {
        NearBudget { above, model: model.into() }
    }
}

impl Choose {
    /// Adds a rule after those there are.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the experiment.
    pub fn with_experiment(mut self, experiment: Experiment) -> Self {
        self.experiment = Some(experiment);
        self
    }

    /// Sets the cheaper model near a budget.
    pub fn with_near_budget(mut self, near: NearBudget) -> Self {
        self.near_budget = Some(near);
        self
    }

    /// The layer of a document.
    ///
    /// # Errors
    /// `ConfigInvalid` for what the schema can't say.
    pub fn checked(self) -> Result<Self> {
        let fault = |what: String| Err(Error::new(ErrorKind::ConfigInvalid, what));
        let idle = |rule: &Rule| rule.fallback.is_some() && rule.complexity_threshold.is_none();
        if let Some(i) = self.rules.iter().position(idle) {
            return fault(format!("rules[{i}].fallback: is never asked without a `complexity_threshold`"));
        }
        let arms = self.experiment.iter().flat_map(|experiment| &experiment.arms).enumerate();
        let twice = |(i, arm): (usize, &Arm)| {
            let earlier = self.experiment.iter().flat_map(|experiment| &experiment.arms).take(i);
            earlier.into_iter().any(|other| other.model == arm.model).then_some(i)
        };
        match arms.into_iter().find_map(twice) {
            Some(i) => fault(format!("experiment.arms[{i}].model: is that of another arm already")),
            None => Ok(self),
        }
    }

    /// How the experiment stands; `None` without one.
    pub fn report(&self) -> Option<Report> {
        let experiment = self.experiment.as_ref()?;
        self.outcomes.prepare(experiment);
        Some(self.outcomes.report())
    }

    /// Adds what somebody thought of an answer to the arm that this scope is in; higher is better, such as 1 for a thumb
    /// up and 0 for one down. False when it can't be told which arm that was: there is no experiment, it splits by call,
    /// or the scope does not name what it splits by.
    pub fn record(&self, scope: &Scope, score: f64) -> bool {
        let Some(experiment) = self.experiment.as_ref().filter(|_| score.is_finite()) else { return false };
        self.outcomes.prepare(experiment);
        experiment.arm_of_scope(scope).is_some_and(|arm| self.outcomes.score(arm, score))
    }

    fn does_nothing(&self) -> bool {
        self.rules.is_empty() && self.experiment.is_none() && self.near_budget.is_none()
    }
}

impl Layer for Choose {
    fn layer(&self, inner: Stack) -> Stack {
        if self.does_nothing() {
            return inner;
        }
        if let Some(experiment) = &self.experiment {
            self.outcomes.prepare(experiment);
        }
        Stack::new(ChooseService::new(self.clone(), inner))
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        let previous = (previous as &dyn Any).downcast_ref::<Choose>();
        // The count of an experiment goes on while it is the same.
        if let (Some(previous), Some(experiment)) = (previous, &self.experiment)
            && previous.outcomes.are_of(experiment)
        {
            self.outcomes = previous.outcomes.clone();
        }
    }
}
