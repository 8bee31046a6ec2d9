//! What targets take of a request: one table as data, and what takes out of a request what its target lacks.
//!
//! `docs/parameters.md` is written from it. To add a fact, add a rule to a row of [`table`], with where it is
//! documented; what is not documented is not in the table, and is sent.

mod content;
mod continuation;
mod known;
mod parameters;
mod rule;
mod schema;
mod table;
#[cfg(test)]
mod tests;
mod tools;

use belvedere_core::provider::Lack;
use belvedere_core::request::{Operation, Request};

#[cfg(feature = "openai")]
use crate::openai::hosts::Host;
use rule::Rules;
#[cfg(any(feature = "bedrock", feature = "google"))]
pub(crate) use tools::without_type;

/// Takes out of a request what the target lacks, and says what it was. What asks for no more than the target gives
/// anyway is taken out without a word.
///
/// `host` is the server by its name in the table of hosts, or the wire's own; `configured` the model when the request
/// names none. A request that fits is not copied, and
/// nothing is allocated for it.
#[cfg(any(
    test,
    feature = "anthropic",
    feature = "bedrock",
    feature = "cohere",
    feature = "google",
    feature = "ollama",
    feature = "responses"
))]
pub(crate) fn fit(
    wire: &'static str,
    host: &str,
    configured: Option<&str>,
    request: &mut Request,
) -> Vec<Lack> {
    let model = request.model.as_deref().or(configured).unwrap_or_default();
    let rules = known::rules(wire, host, model, || Rules::new(wire).with_rows(host, model));
    fit_rules(&rules, request)
}

/// The same for a server that speaks OpenAI's wires: its row in the table of hosts counts, too.
#[cfg(feature = "openai")]
pub(crate) fn fit_host(
    wire: &'static str,
    host: &Host,
    configured: Option<&str>,
    request: &mut Request,
) -> Vec<Lack> {
    let model = request.model.as_deref().or(configured).unwrap_or_default();
    let rules = known::rules(wire, host.name, model, || table::of_host(wire, host, model));
    fit_rules(&rules, request)
}

/// True when a model thinks for an effort only while it is told to decide how much.
#[cfg(any(feature = "anthropic", feature = "bedrock"))]
pub(crate) fn is_adaptive(wire: &'static str, model: &str) -> bool {
    *Rules::new(wire).with_rows(wire, model).get(rule::Field::Switch) == rule::Rule::Adaptive
}

fn fit_rules(rules: &Rules, request: &mut Request) -> Vec<Lack> {
    let mut lacks = Vec::new();
    match request.operation {
        Operation::Chat => {
            parameters::fit(rules, request, &mut lacks);
            tools::fit(rules, request, &mut lacks);
            schema::fit(rules, request, &mut lacks);
            content::fit(rules, request, &mut lacks);
        }
        Operation::Embed => parameters::fit_embed(rules, request, &mut lacks),
        _ => {}
    }
    lacks
}
