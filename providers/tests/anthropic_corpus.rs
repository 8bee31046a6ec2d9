//! Reads recorded exchanges of Anthropic's wire and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/ends.rs"]
mod ends;
#[path = "support/facts.rs"]
mod facts;
#[path = "support/kinds.rs"]
mod kinds;
mod support;

use belvedere_core::message::{Part, ToolBy};
use belvedere_providers::anthropic::Anthropic;
use corpus::Row;
use cuts::{assert_same_however_cut, assert_truncated_at};
use ends::ends_of;
use facts::{expected, facts};
use kinds::is_among;
use serde_json::json;

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["anthropic.messages"], 51)
}

fn server_tool(part: &Part) -> Option<String> {
    match part {
        Part::ToolCall { by: ToolBy::Provider, name, .. } => Some(format!("server_tool_use:{name}")),
        Part::Opaque { kind, .. } if kind.ends_with("_tool_result") => Some(kind.to_string()),
        _ => None,
    }
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    for row in rows().into_iter().flatten() {
        let read = row.read(&Anthropic::default(), &[&row.body]);
        let theirs = &row.facts["expected"];
        match &read.error {
            None => assert_eq!(facts(&read.completion(), server_tool), expected(&row), "{}", row.id()),
            Some(fault) => {
                let said = fault.provider().unwrap();
                assert!(is_among(fault.kind(), &theirs["error_kind_acceptable"]), "{} {fault}", row.id());
                let found = json!({"type": said.r#type, "code": said.code, "message": said.message});
                assert_eq!(found, theirs["error"], "{}", row.id());
            }
        }
    }
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        assert_same_however_cut(&row, &Anthropic::default());
    }
}

/// What is cut off is never an answer: every proper prefix that lacks the stop reason is Truncated, and what was
/// received stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let stop = ends_of(&row.body, "message_delta")[0];
        let ends = ends_of(&row.body, "\n\n").into_iter().filter(|at| *at < stop);
        assert_truncated_at(&row, &Anthropic::default(), ends);
    }
}
