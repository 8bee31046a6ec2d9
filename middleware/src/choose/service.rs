//! A service whose requests name a model.

use std::cell::OnceCell;

use belvedere_core::context::Context;
use belvedere_core::error::Result;
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::{Events, watch};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::{Info, Service, Stack};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use smol_str::SmolStr;

use super::rule::is_task;
use super::{Choose, Complexity};

/// A service whose requests name a model.
#[derive(Debug)]
pub(super) struct ChooseService {
    choose: Choose,
    inner: Stack,
}

/// What was chosen, and who said so.
struct Choice {
    model: SmolStr,
    by: By,
}

enum By {
    Budget(f64),
    Arm(usize),
    Rule(usize),
    Checkpoint,
}

impl ChooseService {
    pub(super) fn new(choose: Choose, inner: Stack) -> Self {
        ChooseService { choose, inner }
    }

    fn choose(&self, cx: &Context, request: &Request) -> Option<Choice> {
        let is_asked =
            request.operation == Operation::Chat && (request.model.is_none() || self.choose.overrides);
        if !is_asked {
            return None;
        }
        let chosen = self.near_budget(cx).or_else(|| self.by_form(cx, request))?;
        // An answer that has begun goes on with the model that began it.
        let begun = cx.call.resume.as_ref().and_then(|checkpoint| checkpoint.partial.model.clone());
        match begun {
            Some(model) => Some(Choice { model, by: By::Checkpoint }),
            None => Some(chosen),
        }
    }

    fn near_budget(&self, cx: &Context) -> Option<Choice> {
        let near = self.choose.near_budget.as_ref()?;
        let used = cx.call.budget_used().filter(|used| *used >= near.above)?;
        Some(Choice { model: near.model.clone(), by: By::Budget(used) })
    }

    fn by_form(&self, cx: &Context, request: &Request) -> Option<Choice> {
        let known = OnceCell::new();
        let complexity = || *known.get_or_init(|| Complexity::of(request));
        let scope = &cx.call.scope;
        if let Some(experiment) = &self.choose.experiment
            && is_task(experiment.task.as_ref(), scope, complexity)
            && let Some(arm) = experiment.arm_of(&cx.call)
            && let Some(model) = experiment.arms.get(arm).map(|arm| arm.model.clone())
        {
            return Some(Choice { model, by: By::Arm(arm) });
        }
        let rule = |(i, rule): (usize, &super::Rule)| {
            rule.model(scope, complexity).map(|model| Choice { model: model.clone(), by: By::Rule(i) })
        };
        self.choose.rules.iter().enumerate().find_map(rule)
    }

    /// Makes a call whose model was chosen.
    async fn chosen(&self, choice: Choice, cx: Context, mut request: Request) -> Result<Events> {
        let Choice { model, by } = choice;
        let named = request.model.replace(model.clone());
        let notice = notice(named, model, &by);
        let events = match by {
            By::Arm(arm) => {
                let outcome = self.choose.outcomes.begin(arm, &cx);
                watch(&cx, self.inner.call(cx.clone(), request), outcome).await?
            }
            _ => self.inner.call(cx, request).await?,
        };
        Ok(match notice {
            // It costs a box and a hop for each event, so it is told only where the caller might not expect it.
            Some(notice) => Events::new(stream::iter([Ok(Event::Notice(notice))]).chain(events)),
            None => events,
        })
    }
}

impl Service for ChooseService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        match self.choose(&cx, &request) {
            None => self.inner.call(cx, request),
            Some(choice) => Box::pin(self.chosen(choice, cx, request)),
        }
    }
}

/// What the caller is told: that its own word was overruled, or that a budget made the choice.
fn notice(named: Option<SmolStr>, model: SmolStr, by: &By) -> Option<Notice> {
    let overruled = named.is_some_and(|named| named != model);
    let reason = match by {
        By::Budget(used) => format!("{:.0}% of a budget is used", used * 100.0),
        By::Arm(_) if overruled => "an experiment".to_owned(),
        By::Rule(i) if overruled => format!("rules[{i}]"),
        _ => return None,
    };
    Some(Notice::Chosen { model, reason })
}
