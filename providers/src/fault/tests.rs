use std::time::Duration;

use belvedere_core::error::{Category, RetryWhen};
use serde_json::json;

use super::*;

fn head(status: u16) -> Head {
    Head { status: Some(status), ..Head::default() }
}

fn parts(status: u16, headers: &[(&str, &str)]) -> http::response::Parts {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

fn kind(status: u16, body: serde_json::Value) -> ErrorKind {
    of_body(&head(status), body.to_string().as_bytes()).kind()
}

fn headers(list: &[(&str, &str)]) -> Option<RetryWhen> {
    of_body(&Head::of(&parts(429, list)), b"{}").retry_when().map(|r| r.when)
}

fn secs(s: f64) -> Option<RetryWhen> {
    Some(RetryWhen::In(Duration::from_secs_f64(s)))
}

/// The row's category for a kind: the corpus names three kinds apart from their category.
fn label(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ContextTooLong => "context_length",
        ErrorKind::ContentFiltered => "content_filter",
        ErrorKind::QuotaExhausted => "quota",
        other => other.category().name(),
    }
}

/// What a row expects and did not get; empty when all is well.
fn misses(row: &serde_json::Value) -> Vec<String> {
    let status = row["status"].as_u64().map(|s| s as u16);
    let mut head = Head::default();
    if let Some(map) = row["headers"].as_object() {
        let list: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        head = Head::of(&parts(status.unwrap_or(200), &list));
    }
    head.status = status;
    let error = of_body(&head, row["body"].as_str().unwrap().as_bytes());
    let said = error.provider().unwrap();
    let mut misses = Vec::new();
    if !row["acceptable"].as_array().unwrap().contains(&json!(label(error.kind()))) {
        misses.push(format!("{} is not in {}", label(error.kind()), row["acceptable"]));
    }
    let expected = |key: &str| match &row[key] {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let facts = [
        ("expected_type", said.r#type.as_deref()),
        ("expected_code", said.code.as_deref()),
        ("expected_message", said.message.as_deref()),
    ];
    for (key, got) in facts {
        if expected(key).is_some() && expected(key).as_deref() != got {
            misses.push(format!("{key}: {got:?}"));
        }
    }
    let delay = error.retry_after().map(|d| d.as_secs_f64());
    if delay != row["expected_retry_after_s"].as_f64() {
        misses.push(format!("retry after {delay:?}"));
    }
    misses
}

/// Recorded error answers of every wire, read where they stand.
#[test]
fn a_wrong_address_is_told_as_one() {
    let message = |status: u16, body: &[u8]| of_body(&head(status), body).message().to_owned();
    assert!(message(307, b"").ends_with("check base_url"));
    assert!(message(404, b"").ends_with("check base_url"));
    let said = b"{\"error\":{\"message\":\"No such file\",\"type\":\"invalid_request_error\"}}";
    assert_eq!(message(404, said), sentence(ErrorKind::InvalidRequest));
}

#[test]
fn recorded_errors_are_classified() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/errors/errors.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: {path} is not there");
        return;
    };
    let rows: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let bad: Vec<_> =
        rows.iter().map(|row| (row["id"].to_string(), misses(row))).filter(|r| !r.1.is_empty()).collect();
    assert!(bad.is_empty(), "{} of {} rows: {bad:#?}", bad.len(), rows.len());
    assert!(rows.len() >= 71, "{} rows", rows.len());
}

#[test]
fn a_code_beats_the_status_and_the_status_beats_the_sentence() {
    use ErrorKind::*;
    let quota =
        json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "x"}});
    assert_eq!(kind(429, quota), QuotaExhausted);
    // Anthropic's monthly limits have the status and the type of a rate limit.
    let spent = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "x",
        "details": {"error_code": "enforced_spend_limit_reached"}}});
    assert_eq!(kind(429, spent), QuotaExhausted);
    let limited = json!({"error": {"status": "RESOURCE_EXHAUSTED", "code": 429, "message": "check your plan and billing"}});
    assert_eq!(kind(429, limited), RateLimited);
    let weak = json!({"object": "error", "type": "invalid_request_error", "message": "context length"});
    assert_eq!(kind(503, weak.clone()), Overloaded);
    assert_eq!(kind(429, weak.clone()), RateLimited);
    assert_eq!(kind(400, weak), ContextTooLong);
    assert_eq!(kind(400, json!({"error": {"code": "context_length_exceeded"}})), ContextTooLong);
}

#[test]
fn every_status_has_its_kind_without_a_body() {
    use ErrorKind::*;
    let of = |status| of_body(&head(status), b"").kind();
    for status in [408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529] {
        assert_eq!(of(status).category(), Category::Transient, "{status}");
    }
    let table = [
        (400, InvalidRequest),
        (401, Unauthorized),
        (402, QuotaExhausted),
        (403, Forbidden),
        (404, InvalidRequest),
        (413, ContextTooLong),
        (422, InvalidRequest),
        (429, RateLimited),
        (301, Unexpected),
    ];
    for (status, expected) in table {
        assert_eq!(of(status), expected, "{status}");
    }
}

#[test]
fn context_length_has_many_wordings() {
    let wordings = [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
        "Input is too long for requested model.",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Your request exceeded model token limit: 8192",
        "too many tokens: total number of tokens in the prompt exceeds 128000",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
        "prompt token count of 70000 exceeds the limit of 64000",
        "Please reduce the length of the messages or completion.",
    ];
    for wording in wordings {
        assert_eq!(kind(400, json!({"message": wording})), ErrorKind::ContextTooLong, "{wording}");
    }
    let others = [
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
        "max_tokens is too large: 50000. This model supports at most 16384 completion tokens",
        "Too many inputs in request, split into more batches.",
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ];
    for other in others {
        assert_eq!(kind(400, json!({"message": other})), ErrorKind::InvalidRequest, "{other}");
    }
}

#[test]
fn sentences_tell_what_a_status_leaves_open() {
    use ErrorKind::*;
    let table = [
        (400, "API key not valid. Please pass a valid API key.", Unauthorized),
        (400, "Your credit balance is too low to access the Anthropic API.", QuotaExhausted),
        (403, "Your team has used all available credits or reached its spending limit.", QuotaExhausted),
        (403, "Key limit exceeded", QuotaExhausted),
        (400, "Model Not Exist", ModelNotFound),
        (400, "foo/bar is not a valid model ID", ModelNotFound),
        (400, "The provided model identifier is invalid.", ModelNotFound),
        (404, "model 'x' not found, try pulling it first", ModelNotFound),
        (404, "No file with this id", InvalidRequest),
        (400, "Content Exists Risk", ContentFiltered),
        (429, "You exceeded your current quota, please check your plan and billing details.", QuotaExhausted),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month.", QuotaExhausted),
        (429, "You are using a Trial key, which is limited to 20 API calls / minute.", RateLimited),
        (429, "Rate limit reached for requests", RateLimited),
        (403, "You don't have access to the model with the specified model ID.", Forbidden),
    ];
    for (status, text, expected) in table {
        assert_eq!(kind(status, json!({"error": {"message": text}})), expected, "{status} {text}");
    }
}

#[test]
fn all_shapes_give_the_same_words() {
    let said = |body: &str| {
        let error = of_body(&head(400), body.as_bytes());
        let p = error.provider().unwrap().clone();
        (p.r#type.map(String::from), p.code.map(String::from), p.message)
    };
    let of = |t: Option<&str>, c: Option<&str>, m: &str| {
        (t.map(str::to_owned), c.map(str::to_owned), Some(m.to_owned()))
    };
    let table = [
        (r#"{"error":{"type":"t","code":7,"message":"m"}}"#, of(Some("t"), Some("7"), "m")),
        (r#"{"error":"m","code":"c"}"#, of(None, Some("c"), "m")),
        (r#"{"type":"error","error":{"type":"t","message":"m"}}"#, of(Some("t"), None, "m")),
        (r#"{"type":"error","code":"c","message":"m"}"#, of(None, Some("c"), "m")),
        (r#"{"object":"error","type":"t","code":"c","message":"m"}"#, of(Some("t"), Some("c"), "m")),
        (
            r#"[{"error":{"status":"NOT_FOUND","code":404,"message":"m"}}]"#,
            of(Some("NOT_FOUND"), Some("404"), "m"),
        ),
        (r#"{"Message":"m"}"#, of(None, None, "m")),
        (r#"{"__type":"a.b#ValidationException","message":"m"}"#, of(Some("ValidationException"), None, "m")),
        (r#"{"detail":"m"}"#, of(None, None, "m")),
        (
            r#"{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"m"}]},"type":"t"}"#,
            of(Some("t"), None, "body.n: m"),
        ),
        (r#"{"detail":{"message":"m","code":"c"}}"#, of(None, Some("c"), "m")),
        (
            r#"{"detail":[{"loc":["body","messages",0],"msg":"field required","type":"missing"}]}"#,
            of(None, None, "body.messages.0: field required"),
        ),
        (r#"{"success":false,"errors":[{"code":7003,"message":"m"}]}"#, of(None, Some("7003"), "m")),
        (r#"{"errors":["m"]}"#, of(None, None, "m")),
        (r#"{"choices":[{"error":{"code":502,"message":"m"}}]}"#, of(None, Some("502"), "m")),
        ("data: {\"response\":{\"error\":{\"code\":\"c\",\"message\":\"m\"}}}\n\n", of(None, Some("c"), "m")),
        ("data:{\"error\":{\"code\":\"c\",\"message\":\"m\"}}", of(None, Some("c"), "m")),
        ("event: error\ndata: {\"error\":\ndata: {\"message\":\"m\"}}\n\n", of(None, None, "m")),
        ("event: error\ndata: broken pipe\n\n", of(None, None, "broken pipe")),
        ("<!DOCTYPE html><html><head><title>502 Bad Gateway</title>", of(None, None, "502 Bad Gateway")),
        ("error code: 1015", of(None, None, "error code: 1015")),
        (r#""m""#, of(None, None, "m")),
    ];
    for (body, expected) in table {
        assert_eq!(said(body), expected, "{body}");
    }
    for empty in ["", "{}", "[]", "null", "<html></html>", "<html><title>"] {
        assert_eq!(said(empty), (None, None, None), "{empty}");
    }
}

#[test]
fn a_value_inside_a_200_is_an_error_only_when_it_says_so() {
    let is = |value: serde_json::Value| of_value(&head(200), &value).map(|e| e.kind());
    let upstream = json!({"id": "x", "choices": [], "error": {"code": 502, "message": "upstream"}});
    assert_eq!(is(upstream), Some(ErrorKind::Overloaded));
    assert_eq!(is(json!({"error": {"code": 429}})), Some(ErrorKind::RateLimited));
    assert_eq!(is(json!({"error": "something broke"})), Some(ErrorKind::Overloaded));
    assert_eq!(
        is(json!({"type": "error", "error": {"type": "overloaded_error"}})),
        Some(ErrorKind::Overloaded)
    );
    let moderated = json!({"error": {"code": 403, "message": "x", "metadata": {"flagged_input": "y"}}});
    assert_eq!(is(moderated), Some(ErrorKind::ContentFiltered));
    for none in [
        json!({"error": null}),
        json!({"message": "hi"}),
        json!({"error": {}}),
        json!([]),
        json!({"detail": "x"}),
    ] {
        assert_eq!(is(none.clone()), None, "{none}");
    }
}

#[test]
fn y17_a_bad_request_in_the_middle_of_an_answer_is_the_providers_state() {
    let value = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "x"}});
    let begun = Head { begun: true, ..head(200) };
    assert_eq!(of_value(&head(200), &value).unwrap().kind(), ErrorKind::InvalidRequest);
    assert_eq!(of_value(&begun, &value).unwrap().kind(), ErrorKind::Overloaded);
    let filtered = json!({"error": {"code": "content_filter"}});
    assert_eq!(of_value(&begun, &filtered).unwrap().kind(), ErrorKind::ContentFiltered);
}

#[test]
fn y5_a_bad_retry_after_is_ignored_and_never_panics() {
    for bad in ["-1", "NaN", "-inf", "soon", "", "-9999999999999999999999", "Thu, 99 Foo 2026"] {
        assert_eq!(headers(&[("retry-after", bad)]), None, "{bad}");
    }
    for huge in ["1e300", "inf", "99999999999999999999"] {
        assert_eq!(headers(&[("retry-after", huge)]), secs(316_224_000.0), "{huge}: cut to ten years");
    }
}

#[test]
fn y6_retry_after_is_seconds_date_or_milliseconds() {
    assert_eq!(headers(&[("retry-after", "16")]), secs(16.0));
    assert_eq!(headers(&[("retry-after", "0.5")]), secs(0.5));
    assert_eq!(headers(&[("retry-after", "2"), ("retry-after-ms", "1500")]), secs(1.5));
    let date = "Fri, 20 Nov 2026 10:01:00 GMT";
    let dated = headers(&[("retry-after", date)]);
    assert_eq!(dated, Some(RetryWhen::At(httpdate::parse_http_date(date).unwrap())));
    let now = "Fri, 20 Nov 2026 10:00:00 GMT";
    assert_eq!(headers(&[("retry-after", date), ("date", now)]), secs(60.0));
    assert_eq!(headers(&[("retry-after", now), ("date", date)]), secs(0.0), "a date in the past means now");
}

#[test]
fn y7_a_unit_is_never_guessed() {
    assert_eq!(
        headers(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")]),
        secs(360.0)
    );
    assert_eq!(headers(&[("x-ratelimit-remaining-tokens", "9"), ("x-ratelimit-reset-tokens", "6m0s")]), None);
    assert_eq!(headers(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "60")]), None);
    let epoch = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1741305600000")];
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_741_305_600);
    assert_eq!(headers(&epoch), Some(RetryWhen::At(at)));
    assert_eq!(headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")]), None);
}

#[test]
fn a_delay_in_a_sentence_is_a_hint() {
    let hint = |text: &str| {
        let body = json!({"error": {"message": text}}).to_string();
        let error = of_body(&head(429), body.as_bytes());
        assert_eq!(error.retry_after().is_some(), error.retry_after_is_hint(), "{text}");
        error.retry_after().map(|d| d.as_secs_f64())
    };
    let table = [
        ("Please try again in 6.5s. Visit our site.", Some(6.5)),
        ("Limit 30000, Used 29000. Please try again in 350ms.", Some(0.35)),
        ("Please retry after 20 seconds.", Some(20.0)),
        ("Try again in 1m30s", Some(90.0)),
        ("wait 1 minute and 30 seconds", Some(90.0)),
        ("retry your request after 26 seconds", Some(26.0)),
        ("try again in 7m12.5s", Some(120.0)),
        ("please wait a moment and try again", None),
        ("retry after 20", None),
        ("no delay, limit 20 s", None),
    ];
    for (text, expected) in table {
        assert_eq!(hint(text), expected, "{text}");
    }
    let body = json!({"error": {"message": "retry after 20 seconds", "details": [{"retryDelay": "48s"}]}});
    let error = of_body(&head(429), body.to_string().as_bytes());
    assert_eq!((error.retry_after(), error.retry_after_is_hint()), (Some(Duration::from_secs(48)), false));
    let body = json!({"error": {"message": "wrong; wait 20 seconds"}}).to_string();
    assert_eq!(of_body(&head(400), body.as_bytes()).retry_after(), None);
}

#[test]
fn the_head_gives_request_id_and_exception() {
    let list = [("x-amzn-requestid", "r1"), ("x-amzn-errortype", "ThrottlingException:http://internal/")];
    let error = of_body(&Head::of(&parts(400, &list)), br#"{"message":"slow"}"#);
    let said = error.provider().unwrap();
    assert_eq!((error.kind(), said.r#type.as_deref()), (ErrorKind::RateLimited, Some("ThrottlingException")));
    assert_eq!((said.request_id.as_deref(), said.status), (Some("r1"), Some(400)));
    let body = br#"{"type":"error","error":{"type":"api_error","message":"m"},"request_id":"r2"}"#;
    assert_eq!(of_body(&head(500), body).provider().unwrap().request_id.as_deref(), Some("r2"));
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_body_and_no_header_panics(body in ".{0,200}", header in "[ -~]{0,40}", status in 100u16..600) {
            let head = Head::of(&parts(status, &[("retry-after", &header), ("retry-after-ms", &header)]));
            let error = of_body(&head, body.as_bytes());
            prop_assert!(error.provider().is_some());
            let _ = retry_after::hint(&format!("try again in {body}"));
        }
    }
}
