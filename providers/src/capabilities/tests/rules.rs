//! The table itself, and its parts.

use belvedere_core::provider::Lack;
use belvedere_core::request::{Effort, Request, ResponseFormat, Schema, Tool};
use serde_json::json;

use crate::capabilities::rule::{Field, Rule, Rules, matches};
use crate::capabilities::{fit, table};

fn names(lacks: &[Lack]) -> Vec<&str> {
    lacks.iter().map(|lack| lack.parameter.as_str()).collect()
}

#[test]
fn a_star_stands_for_any_text() {
    let yes = [
        ("o3", "o3"),
        ("o3*", "o3-mini"),
        ("*claude-3-*", "us.anthropic.claude-3-5"),
        ("*", ""),
        ("a*c*", "abc"),
    ];
    let no =
        [("o3", "o3-mini"), ("o3*", "go3"), ("*x*y", "xyz"), ("a*b*c", "acb"), ("gpt-5.*", "gpt-5-mini")];
    assert!(yes.iter().all(|(pattern, text)| matches(pattern, text)));
    assert!(no.iter().all(|(pattern, text)| !matches(pattern, text)));
}

#[test]
fn every_row_has_a_source_and_is_no_more_general_than_those_before_it() {
    for row in table::rows() {
        assert!(row.source.starts_with("https://"), "{row:?}");
        assert!(!row.rules.is_empty() && !row.wires.is_empty(), "{row:?}");
        for (i, (field, _)) in row.rules.iter().enumerate() {
            assert!(
                row.rules.iter().skip(i + 1).all(|(other, _)| other != field),
                "{field:?} twice in {row:?}"
            );
        }
    }
    let rows: Vec<_> = table::rows().collect();
    for (i, row) in rows.iter().enumerate() {
        let hides = |earlier: &&&crate::capabilities::rule::Row| {
            row.hosts.is_empty()
                && row.models.is_empty()
                && !(earlier.hosts.is_empty() && earlier.models.is_empty())
                && earlier.wires.iter().any(|wire| row.wires.contains(wire))
                && earlier.rules.iter().any(|(field, _)| row.rules.iter().any(|(other, _)| other == field))
        };
        assert_eq!(
            rows.iter().take(i).find(hides).map(|row| row.source),
            None,
            "{row:?} hides a special row"
        );
    }
}

#[test]
fn special_rows_win_over_general_ones() {
    let efforts = |model| match Rules::new("openai.chat").with_rows("openai", model).get(Field::Effort) {
        Rule::Efforts(taken) => taken.iter().map(|effort| effort.as_str()).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    };
    let cases = [
        ("o3-mini", "low medium high"),
        ("gpt-5", "minimal low medium high"),
        ("gpt-5-codex", "low medium high"),
        ("gpt-5-pro", "high"),
        ("gpt-5.1", "none low medium high"),
        ("gpt-5.1-codex", "low medium high"),
        ("gpt-5.1-codex-max", "low medium high xhigh"),
        ("gpt-5.2-2025-12-11", "none low medium high xhigh"),
        ("gpt-5.2-pro", "medium high xhigh"),
        ("gpt-5-chat-latest", "Thoughtless(\"the model does not reason\")"),
        ("my-own", "Sent"),
    ];
    for (model, expected) in cases {
        assert_eq!(efforts(model), expected, "{model}");
    }
}

#[test]
fn f2_efforts_that_are_missing_become_the_next_that_means_more() {
    let ask = |model: &str, effort| {
        let mut request = Request::from("hi").with_model(model);
        request.reasoning = Some(super::effort_of(effort));
        let lacks = fit("openai.chat", "openai", Some(model), &mut request);
        (request.reasoning.as_ref().and_then(|reasoning| reasoning.effort), lacks.len())
    };
    assert_eq!(ask("o3", Effort::Minimal), (Some(Effort::Low), 0));
    assert_eq!(ask("o3", Effort::Xhigh), (Some(Effort::High), 0));
    assert_eq!(ask("gpt-5-pro", Effort::Low), (Some(Effort::High), 0));
    assert_eq!(ask("o3", Effort::None), (None, 1));
    assert_eq!(ask("gpt-4.1", Effort::Low), (None, 1));
}

#[test]
fn f2_numbers_are_held_to_their_bounds() {
    let ask = |change: &dyn Fn(&mut Request)| {
        let mut request = Request::from("hi");
        change(&mut request);
        let lacks = fit("anthropic.messages", "anthropic", Some("claude-sonnet-4-5"), &mut request);
        lacks.iter().map(|lack| format!("{}: {}", lack.parameter, lack.reason)).collect::<Vec<_>>()
    };
    assert_eq!(ask(&|r| r.temperature = Some(1.5)), ["temperature: must be from 0 to 1 here"]);
    assert_eq!(
        ask(&|r| (r.temperature, r.top_p) = (Some(0.5), Some(0.9))),
        ["top_p: the target does not take it together with temperature"]
    );
    assert_eq!(
        ask(&|r| {
            r.reasoning = Some(super::budget(2048));
            (r.temperature, r.top_k) = (Some(0.5), Some(4));
        }),
        ["temperature: must be 1 while the model thinks", "top_k: not while the model thinks"]
    );
    assert_eq!(
        ask(&|r| {
            r.reasoning = Some(super::budget(2048));
            r.top_p = Some(0.5);
        }),
        ["top_p: must be from 0.95 to 1 while the model thinks"]
    );
    let mut request = Request::from("hi");
    request.stop = ["1", "2", "3", "4", "5"].map(Into::into).to_vec();
    let lacks = fit("openai.chat", "openai", Some("gpt-4.1"), &mut request);
    assert_eq!((names(&lacks), request.stop.len()), (vec!["stop"], 0));
    assert_eq!(lacks[0].reason, "the target takes at most 4");
}

#[test]
fn f2_keywords_a_dialect_lacks_are_named_by_their_place_and_taken_out() {
    let schema = json!({
        "type": "object",
        "properties": {
            "minimum": { "type": "integer", "minimum": 1, "maximum": 9 },
            "tags": { "type": "array", "minItems": 2, "items": { "type": "string", "format": "color", "maxLength": 3 } },
            "either": { "anyOf": [{ "type": "string", "format": "uuid" }, { "type": "number", "multipleOf": 2 }] },
            "fixed": { "const": { "minimum": 3 } },
        },
    });
    let mut request = Request::from("hi").with_response_format(ResponseFormat::JsonSchema {
        json_schema: Schema::new("thing", schema.clone()),
    });
    let mut function = super::get_time();
    (function.parameters, function.strict) = (Some(schema.clone()), Some(true));
    let mut loose = super::get_time();
    loose.parameters = Some(schema.clone());
    request.tools = std::sync::Arc::new(vec![Tool::Function(function), Tool::Function(loose)]);
    let lacks = fit("anthropic.messages", "anthropic", Some("claude-opus-4-6"), &mut request);
    let places = [
        "properties.either.anyOf.1.multipleOf",
        "properties.minimum.maximum",
        "properties.minimum.minimum",
        "properties.tags.items.format",
        "properties.tags.items.maxLength",
        "properties.tags.minItems",
    ];
    let mut found = names(&lacks);
    found.sort_unstable();
    let mut expected: Vec<String> = Vec::new();
    for path in ["response_format.json_schema.schema", "tools[0].parameters"] {
        expected.extend(places.iter().map(|place| format!("{path}.{place}")));
    }
    assert_eq!(found, expected);
    let left = json!({
        "type": "object",
        "properties": {
            "minimum": { "type": "integer" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "either": { "anyOf": [{ "type": "string", "format": "uuid" }, { "type": "number" }] },
            "fixed": { "const": { "minimum": 3 } },
        },
    });
    let Some(ResponseFormat::JsonSchema { json_schema }) = &request.response_format else { panic!() };
    assert_eq!(json_schema.schema.as_ref(), Some(&left));
    let parameters: Vec<_> = request
        .tools
        .iter()
        .map(|tool| match tool {
            Tool::Function(function) => function.parameters.clone().unwrap(),
            _ => panic!(),
        })
        .collect();
    assert_eq!(parameters, [left, schema], "only a strict function is held to the dialect");
}

#[test]
fn an_effort_is_a_budget_where_there_are_no_words_for_it() {
    let asked = |model: &str, effort, max_tokens| {
        let mut request = Request::from("hi").with_model(model);
        request.max_tokens = max_tokens;
        let mut reasoning = belvedere_core::request::Reasoning::default();
        reasoning.effort = Some(effort);
        request.reasoning = Some(reasoning);
        let lacks = fit("anthropic.messages", "anthropic", Some(model), &mut request);
        let reasoning = request.reasoning.clone();
        (reasoning.map(|r| (r.effort, r.max_tokens)), names(&lacks).join(","))
    };
    let old = "claude-haiku-4-5";
    let none = String::new();
    assert_eq!(asked(old, Effort::Low, None), (Some((None, Some(2048))), none.clone()));
    assert_eq!(asked(old, Effort::High, Some(6000)), (Some((None, Some(3000))), none.clone()));
    assert_eq!(asked(old, Effort::None, None), (Some((Some(Effort::None), None)), none.clone()));
    assert_eq!(asked(old, Effort::Low, Some(1500)), (None, "reasoning.effort".into()));
    assert_eq!(asked("claude-opus-4-6", Effort::Low, None), (Some((Some(Effort::Low), None)), none.clone()));
    assert_eq!(asked("claude-3-haiku", Effort::Low, None), (None, "reasoning.effort".into()));
    assert_eq!(asked("claude-3-haiku", Effort::None, None), (None, none), "it does not think anyway");
}
