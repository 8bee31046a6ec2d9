//! Tests of errors: their table, their text and their JSON.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn every_kind_has_its_row_in_the_table() {
    let names: std::collections::BTreeSet<_> = ErrorKind::ALL.iter().map(|k| k.name()).collect();
    assert_eq!(names.len(), 21, "timeout is one name with four phases");
    assert_eq!(ErrorKind::CircuitOpen.category(), Category::Transient);
    assert_eq!(ErrorKind::ContextTooLong.category(), Category::Validation);
    assert_eq!(ErrorKind::QuotaExhausted.status(), Status::Permanent);
}

#[test]
fn giving_up_flips_only_what_was_temporary() {
    let temporary = Error::new(ErrorKind::Overloaded, "x").into_persistent();
    assert_eq!(temporary.status(), Status::Persistent);
    let permanent = Error::new(ErrorKind::InvalidRequest, "x").into_persistent();
    assert_eq!(permanent.status(), Status::Permanent);
}

#[test]
fn display_is_one_line_and_names_what_the_provider_said() {
    let error = Error::new(ErrorKind::RateLimited, "the provider refused the request")
        .with_provider(ProviderError {
            status: Some(429),
            code: Some("rate_limit_exceeded".into()),
            message: Some("slow\ndown".into()),
            ..ProviderError::default()
        })
        .with_retry_after(RetryAfter::after(Duration::from_secs(7)))
        .with("provider", "openai");
    assert_eq!(
        error.to_string(),
        "rate limited: the provider refused the request [status 429, code rate_limit_exceeded]: slow down; \
         retry after 7s; provider: openai"
    );
}

#[test]
fn a_hint_is_capped_and_a_date_is_resolved_once() {
    let hint = Error::new(ErrorKind::RateLimited, "x")
        .with_retry_after(RetryAfter::hint(Duration::from_secs(86_400)));
    assert_eq!(hint.retry_after(), Some(RETRY_HINT_CAP));
    assert!(hint.retry_after_is_hint());
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    let dated = Error::new(ErrorKind::RateLimited, "x").with_retry_after(RetryAfter::at(wall));
    assert_eq!(dated.retry_after(), None);
    let earlier = SystemTime::UNIX_EPOCH + Duration::from_secs(70);
    assert_eq!(dated.settle(earlier, str::to_owned).retry_after(), Some(Duration::from_secs(30)));
}

#[test]
fn json_holds_what_is_known_and_no_more() {
    let provider = ProviderError { status: Some(429), ..ProviderError::default() };
    let error = Error::new(ErrorKind::RateLimited, "x").with_provider(provider);
    let json = |retry_after| serde_json::to_value(error.clone().with_retry_after(retry_after)).unwrap();
    let mut expected = serde_json::json!({
        "category": "rate_limit", "kind": "rate_limited", "status": "temporary", "message": "x",
        "provider": { "status": 429 }, "retry_after_s": 7.0,
    });
    assert_eq!(json(RetryAfter::after(Duration::from_secs(7))), expected);
    expected["retry_after_is_hint"] = true.into();
    assert_eq!(json(RetryAfter::hint(Duration::from_secs(7))), expected);
}
