//! Takes out the parameters that a target lacks.

use std::borrow::Cow;

use belvedere_core::provider::Lack;
use belvedere_core::request::{Effort, Parameters, Request};

use super::continuation;
use super::rule::{Field, Number, Rule, Rules, Thinking};

/// A parameter that is a number, or can be counted as one.
struct Parameter {
    field: Field,
    /// What is asked for; a list counts by its length, a switch as 0 or 1, a text as 1.
    value: fn(&Parameters) -> Option<f64>,
    clear: fn(&mut Parameters),
    /// The value that asks for no more than what comes anyway.
    neutral: Option<f64>,
}

/// `u64` has no lossless way to `f64`; bounds are far below where it matters.
fn number(value: Option<u64>) -> Option<f64> {
    value.map(|value| u32::try_from(value).map_or(f64::INFINITY, f64::from))
}

const PARAMETERS: [Parameter; 14] = [
    Parameter {
        field: Field::Temperature,
        value: |p| p.temperature,
        clear: |p| p.temperature = None,
        neutral: Some(1.0),
    },
    Parameter { field: Field::TopP, value: |p| p.top_p, clear: |p| p.top_p = None, neutral: Some(1.0) },
    Parameter { field: Field::TopK, value: |p| number(p.top_k), clear: |p| p.top_k = None, neutral: None },
    Parameter {
        field: Field::MaxTokens,
        value: |p| number(p.max_tokens),
        clear: |p| p.max_tokens = None,
        neutral: None,
    },
    Parameter {
        field: Field::Stop,
        value: |p| number(u64::try_from(p.stop.len()).ok().filter(|len| *len > 0)),
        clear: |p| p.stop.clear(),
        neutral: None,
    },
    Parameter { field: Field::Seed, value: |p| p.seed.map(|_| 1.0), clear: |p| p.seed = None, neutral: None },
    Parameter { field: Field::N, value: |p| p.n.map(f64::from), clear: |p| p.n = None, neutral: Some(1.0) },
    Parameter {
        field: Field::PresencePenalty,
        value: |p| p.presence_penalty,
        clear: |p| p.presence_penalty = None,
        neutral: Some(0.0),
    },
    Parameter {
        field: Field::FrequencyPenalty,
        value: |p| p.frequency_penalty,
        clear: |p| p.frequency_penalty = None,
        neutral: Some(0.0),
    },
    Parameter {
        field: Field::Logprobs,
        value: |p| p.logprobs.map(|on| f64::from(u8::from(on))),
        clear: |p| p.logprobs = None,
        neutral: Some(0.0),
    },
    Parameter {
        field: Field::TopLogprobs,
        value: |p| p.top_logprobs.map(f64::from),
        clear: |p| p.top_logprobs = None,
        neutral: Some(0.0),
    },
    Parameter {
        field: Field::User,
        value: |p| p.user.as_ref().map(|_| 1.0),
        clear: |p| p.user = None,
        neutral: None,
    },
    Parameter {
        field: Field::Parallel,
        value: |p| p.parallel_tool_calls.map(|on| f64::from(u8::from(on))),
        clear: |p| p.parallel_tool_calls = None,
        neutral: Some(1.0),
    },
    Parameter {
        field: Field::Continue,
        value: |p| p.continue_final_message.then_some(1.0),
        clear: |p| p.continue_final_message = false,
        neutral: None,
    },
];

/// Fits the parameters of a chat request.
pub(super) fn fit(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    // What thinking forbids is decided by the thinking that is left.
    fit_budget(rules, request, lacks);
    fit_effort(rules, request, lacks);
    for parameter in &PARAMETERS {
        let Some(value) = (parameter.value)(request) else { continue };
        if let Some(reason) = refused(rules.get(parameter.field), value, request) {
            if parameter.neutral != Some(value) {
                lacks.push(Lack::new(parameter.field.name(), reason));
            }
            (parameter.clear)(request);
        }
    }
    // What is only looked at stays shared.
    if request.dimensions.is_some() {
        request.dimensions = None;
        lacks.push(Lack::new("dimensions", "only embeddings have dimensions"));
    }
}

/// Fits the parameters of a request for embeddings.
pub(super) fn fit_embed(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let own = [Field::Dimensions, Field::EmbedUser];
    for field in own {
        let Rule::Lacks(reason) = rules.get(field) else { continue };
        let asked = match field {
            Field::Dimensions => request.dimensions.take().is_some(),
            _ => request.user.take().is_some(),
        };
        if asked {
            lacks.push(Lack::new(field.name(), *reason));
        }
    }
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.field != Field::User) {
        let Some(value) = (parameter.value)(request) else { continue };
        if parameter.neutral != Some(value) {
            lacks.push(Lack::new(parameter.field.name(), "embeddings do not have it"));
        }
        (parameter.clear)(request);
    }
}

/// Why a value can't be sent.
fn refused(rule: &'static Rule, value: f64, request: &Request) -> Option<Cow<'static, str>> {
    match rule {
        Rule::Lacks(reason) => Some((*reason).into()),
        Rule::Number(bounds) => out_of(bounds, value, request),
        Rule::AtMost(most) if value > number(u64::try_from(*most).ok())? => {
            Some(format!("the target takes at most {most}").into())
        }
        Rule::Quiet(when) if thinks(*when, request) => Some("not while the model thinks".into()),
        Rule::Continues(unless) => continuation::refused(unless, request).map(Into::into),
        _ => None,
    }
}

fn out_of(bounds: &Number, value: f64, request: &Request) -> Option<Cow<'static, str>> {
    let other = bounds.not_with.filter(|other| is_set(*other, request));
    if let Some(other) = other {
        return Some(format!("the target does not take it together with {}", other.name()).into());
    }
    match bounds.thinking {
        Some((when, min, max)) if thinks(when, request) && !(min..=max).contains(&value) => Some(match min {
            _ if min > max => "not while the model thinks".into(),
            _ if min >= max => format!("must be {min} while the model thinks").into(),
            _ => format!("must be from {min} to {max} while the model thinks").into(),
        }),
        _ if (bounds.min..=bounds.max).contains(&value) => None,
        _ => Some(format!("must be from {} to {} here", bounds.min, bounds.max).into()),
    }
}

fn is_set(field: Field, request: &Request) -> bool {
    PARAMETERS.iter().any(|parameter| parameter.field == field && (parameter.value)(request).is_some())
}

/// True when the request makes the model think.
pub(super) fn thinks(when: Thinking, request: &Request) -> bool {
    let Some(reasoning) = &request.reasoning else { return false };
    let effort = reasoning.effort.is_some_and(|effort| effort != Effort::None);
    match reasoning.max_tokens {
        Some(tokens) => tokens > 0,
        None => effort && when == Thinking::Asked,
    }
}

fn fit_budget(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let Some(tokens) = request.reasoning.as_ref().and_then(|reasoning| reasoning.max_tokens) else { return };
    if let Some(reason) = refused(rules.get(Field::Budget), number(Some(tokens)).unwrap_or_default(), request)
    {
        lacks.push(Lack::new(Field::Budget.name(), reason));
        if let Some(reasoning) = &mut request.reasoning {
            reasoning.max_tokens = None;
        }
        forget_empty_reasoning(request);
    }
}

fn fit_effort(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    // A budget is a part of the answer's tokens; the other half stays for what is said.
    let room = request.max_tokens.map_or(u64::MAX, |most| most / 2);
    let Some(effort) = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort) else { return };
    let Some(reasoning) = &mut request.reasoning else { return };
    let reason: Cow<'static, str> = match rules.get(Field::Effort) {
        Rule::Thoughtless(_) if effort == Effort::None => {
            reasoning.effort = None;
            return forget_empty_reasoning(request);
        }
        Rule::Lacks(reason) | Rule::Thoughtless(reason) => (*reason).into(),
        Rule::Budgets(_) if effort == Effort::None => return,
        Rule::Budgets(budgets) => {
            reasoning.effort = None;
            let budget = budgets.iter().find(|(word, _)| *word == effort).map(|(_, tokens)| *tokens);
            match reasoning.max_tokens.or(budget.map(|tokens| tokens.min(room))) {
                Some(tokens) if tokens >= LEAST_BUDGET || reasoning.max_tokens.is_some() => {
                    reasoning.max_tokens = Some(tokens);
                    return;
                }
                _ => {
                    "max_tokens leaves no room: thinking takes 1024 tokens or more, and half of them at most"
                        .into()
                }
            }
        }
        Rule::Efforts(taken) => match nearest(effort, taken) {
            Some(taken) => {
                reasoning.effort = Some(taken);
                return;
            }
            None => missing(taken).into(),
        },
        _ => return,
    };
    reasoning.effort = None;
    lacks.push(Lack::new(Field::Effort.name(), reason));
    forget_empty_reasoning(request);
}

/// Anthropic's least budget, in tokens ("Extended thinking").
const LEAST_BUDGET: u64 = 1024;

fn forget_empty_reasoning(request: &mut Request) {
    if request.reasoning.as_ref().is_some_and(|reasoning| *reasoning == Default::default()) {
        request.reasoning = None;
    }
}

fn missing(taken: &[Effort]) -> String {
    let words: Vec<&str> = taken.iter().map(|effort| effort.as_str()).collect();
    match words.as_slice() {
        [] => "the model has no efforts".into(),
        words => format!("the target takes {}", words.join(", ")),
    }
}

/// The efforts from least to most.
pub(super) const EFFORTS: [Effort; 6] =
    [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh];

/// What an effort is sent as: itself, the next that means more, or the greatest there is.
fn nearest(effort: Effort, taken: &[Effort]) -> Option<Effort> {
    if effort == Effort::None || taken.contains(&effort) {
        return taken.contains(&effort).then_some(effort);
    }
    let rank = |effort| EFFORTS.iter().position(|other| *other == effort);
    let thinking = || taken.iter().copied().filter(|effort| *effort != Effort::None);
    let above = thinking().filter(|other| rank(*other) > rank(effort)).min_by_key(|other| rank(*other));
    above.or_else(|| thinking().max_by_key(|other| rank(*other)))
}
