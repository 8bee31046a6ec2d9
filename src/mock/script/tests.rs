use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn fault_of(document: Value) -> String {
    let error = Script::from_json(document).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    error.message().to_owned()
}

#[test]
fn a_script_is_the_same_in_code_and_as_a_document() {
    let mut slow = Step::text("Hello.").for_model("slow-*").after(Duration::from_secs(30));
    slow.delivery.split = Split::Bytes(1.try_into().unwrap());
    let refused = Failure {
        status: 429,
        retry_after: Some(Duration::from_millis(1500)),
        retry_after_form: RetryForm::Milliseconds,
        body: Body::Html,
        ..Failure::default()
    };
    let built = Script::from([
        Step::from(refused).times(2),
        slow,
        Step::tool("weather", json!({"city": "Ulm"})),
        Step::fault(Fault::Stall { after: 3, lasts: None }),
    ]);
    let document = json!({"steps": [
        {"times": 2, "error": {"status": 429, "retry_after": "1500ms", "retry_after_form": "milliseconds", "body": "html"}},
        {"when": {"model": "slow-*"}, "answer": {"text": "Hello."}, "timing": {"first_token": "30s"},
         "delivery": {"split": {"bytes": 1}}},
        {"answer": {"tool_calls": [{"name": "weather", "input": {"city": "Ulm"}}]}},
        {"fault": {"type": "stall", "after": 3}},
    ]});
    assert_eq!(Script::from_json(document).unwrap(), built);
    let written = serde_json::to_value(&built).unwrap();
    assert_eq!(Script::from_json(written).unwrap(), built, "what is written reads back");
}

#[test]
fn an_unknown_key_is_refused_and_the_known_ones_are_named() {
    let message = fault_of(json!({"steps": [{}, {"timing": {"latncy": "1s"}}]}));
    assert!(message.starts_with("steps[1].timing.latncy: unknown field `latncy`"), "{message}");
    for known in ["latency", "head_byte", "first_token", "per_token", "tokens_per_second", "keep_alive"] {
        assert!(message.contains(known), "{message}");
    }
    let message = fault_of(json!({"steps": [{"fault": {"type": "explode", "after": 1}}]}));
    assert!(
        message.starts_with("steps[0].fault") && message.contains("`cut`, `close`, `reset`"),
        "{message}"
    );
    let message = fault_of(json!({"steps": [{"fault": {"type": "cut", "after": 1, "for": "1s"}}]}));
    assert!(message.contains("unknown field `for`"), "{message}");
    assert!(fault_of(json!({"step": []})).contains("expected `steps`"));
}

#[test]
fn a_value_that_cannot_be_is_refused_at_its_path() {
    let cases = [
        (json!({"times": 0}), "steps[0].times: must be at least 1"),
        (json!({"timing": {"latency": "soon"}}), "steps[0].timing.latency: must be a duration"),
        (
            json!({"timing": {"tokens_per_second": 0.0}}),
            "steps[0].timing.tokens_per_second: must be more than 0",
        ),
        (json!({"timing": {"tokens_per_second": 9, "per_token": "1s"}}), "says the same as per_token"),
        (json!({"timing": {"keep_alive": "0s"}}), "steps[0].timing.keep_alive: must be more than 0"),
        (json!({"answer": {"token_size": 0}}), "steps[0].answer.token_size: must be at least 1"),
        (json!({"answer": {"dimensions": 0}}), "steps[0].answer.dimensions: must be at least 1"),
        (json!({"delivery": {"split": {"bytes": 0}}}), "steps[0].delivery.split"),
        (json!({"delivery": {"headers": {"a b": "c"}}}), "steps[0].delivery.headers.a b: is no header"),
        (json!({"delivery": {"content_type": "a\nb"}}), "steps[0].delivery.content_type: is no value"),
        (json!({"error": {"status": 99}}), "steps[0].error.status: must be a status from 200 to 599"),
        (
            json!({"error": {"kind": "bad_luck"}}),
            "steps[0].error.kind: unknown kind of error; allowed: network, overloaded",
        ),
    ];
    for (step, expected) in cases {
        let message = fault_of(json!({"steps": [step]}));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_delay_is_told_in_three_forms() {
    let wall = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let told = |form| {
        let failure = Failure {
            retry_after: Some(Duration::from_millis(1200)),
            retry_after_form: form,
            ..Failure::default()
        };
        failure.retry_header(wall).unwrap()
    };
    assert_eq!(told(RetryForm::Seconds), ("retry-after", "2".to_owned()));
    assert_eq!(told(RetryForm::Date), ("retry-after", "Thu, 01 Jan 2026 00:00:01 GMT".to_owned()));
    assert_eq!(told(RetryForm::Milliseconds), ("retry-after-ms", "1200".to_owned()));
    assert_eq!(Failure::default().retry_header(wall), None);
}

#[test]
fn a_status_is_the_error_it_means() {
    let kind = |status| error_of(status, None, None).kind();
    let kinds = [400, 401, 402, 403, 404, 429, 500, 529].map(kind);
    let expected = [
        ErrorKind::InvalidRequest,
        ErrorKind::Unauthorized,
        ErrorKind::QuotaExhausted,
        ErrorKind::Forbidden,
        ErrorKind::ModelNotFound,
        ErrorKind::RateLimited,
        ErrorKind::Overloaded,
        ErrorKind::Overloaded,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(error_of(500, Some(ErrorKind::ContextTooLong), None).kind(), ErrorKind::ContextTooLong);
}

/// The keys of a schema, dotted, with those of the definitions it refers to.
fn keys(schema: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return keys(root.pointer(target.trim_start_matches('#')).unwrap(), root, path, found);
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.insert(here.clone());
        keys(property, root, &here, found);
    }
    for branch in ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten() {
        keys(branch, root, path, found);
    }
    if let Some(items) = schema.get("items") {
        keys(items, root, path, found);
    }
}

#[test]
fn the_guide_has_a_row_for_each_key_and_for_no_other() {
    let schema = schemars::schema_for!(Script).to_value();
    let mut known = BTreeSet::new();
    keys(&schema, &schema, "", &mut known);
    let step = |key: &String| key.strip_prefix("steps.").map(str::to_owned);
    let known: BTreeSet<String> = known.iter().filter_map(step).collect();
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mock-server.md")).unwrap();
    let table = guide.split("## What a step can say").nth(1).unwrap().split("| fault |").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(rows, known);
}
