//! The table: who takes what. Rows stand from the general to the special; the rules of later rows win.

mod anthropic;
mod bedrock;
mod cohere;
mod google;
mod ollama;
mod openai;
mod openai_hosts;
mod openai_models;

#[cfg(feature = "openai")]
use super::rule::Rules;
use super::rule::{Field, Number, Row, Rule, Sources};
#[cfg(feature = "openai")]
use crate::openai::hosts::{Host, Prefill, Thinking};

/// All rows.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let tables: [&'static [Row]; 8] = [
        openai::ROWS,
        openai_hosts::ROWS,
        openai_models::ROWS,
        google::ROWS,
        bedrock::ROWS,
        anthropic::ROWS,
        ollama::ROWS,
        cohere::ROWS,
    ];
    tables.into_iter().flatten()
}

/// The tools that servers run, by the wire they are written for.
pub(super) fn own_tools() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    rows().flat_map(|row| {
        let kinds = row.rules.iter().filter_map(|(field, rule)| match (field, rule) {
            (Field::ProviderTools, Rule::Own(kinds)) => Some(*kinds),
            _ => None,
        });
        kinds.flat_map(|kinds| row.wires.iter().map(move |wire| (*wire, kinds)))
    })
}

/// The rules of a server that speaks OpenAI's wires: its row in the table of hosts, then those of this one.
#[cfg(feature = "openai")]
pub(super) fn of_host(wire: &'static str, host: &Host, model: &str) -> Rules {
    let mut rules = Rules::new(wire);
    if !host.top_k {
        rules.set(Field::TopK, &Rule::Lacks("the server does not know it"));
    }
    rules
        .set(Field::Video, if host.video { &DATA_OR_URL } else { &Rule::Lacks("the server takes no video") });
    rules.set(Field::File, if host.file_url { &ANYWHERE } else { &DATA_OR_ID });
    if !matches!(host.thinking, Thinking::Object | Thinking::Budget) {
        rules.set(Field::Budget, &Rule::Lacks("the server takes no thinking budget"));
    }
    rules.set(
        Field::Continue,
        if host.prefill == Prefill::Never { &UNKNOWN_TO_CONTINUE } else { &Rule::Continues(&[]) },
    );
    rules.with_rows(host.name, model)
}

#[cfg(feature = "openai")]
const UNKNOWN_TO_CONTINUE: Rule = Rule::Lacks("the server is not known to go on with an answer");

const DATA: Rule = Rule::From(Sources { data: true, url: None, id: false });
const DATA_OR_URL: Rule = Rule::From(Sources { data: true, url: Some(""), id: false });
const DATA_OR_ID: Rule = Rule::From(Sources { data: true, url: None, id: true });
const ANYWHERE: Rule = Rule::From(Sources { data: true, url: Some(""), id: true });

const NO_FIELD: Rule = Rule::Lacks("the wire has no field for it");
const NOT_CONTINUED: Rule = Rule::Lacks("the wire begins every answer anew");
const NO_MEDIA: Rule = Rule::Lacks("the wire takes no media of this kind");

/// A number within bounds.
const fn within(min: f64, max: f64) -> Rule {
    Rule::Number(Number::new(min, max))
}
