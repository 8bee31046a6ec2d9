//! What is retried, and what never is.

use belvedere_core::error::{Status, TimeoutPhase};
use belvedere_core::event::{Finish, FinishReason};
use serde_json::json;

use super::*;

/// How many attempts a call makes whose target always fails with this error.
fn attempts(retry: Retry, error: Error) -> usize {
    let service = ScriptedService::always(Answer::refused(error));
    go(retry, service.clone()).answer.unwrap_err();
    service.calls()
}

#[test]
fn y1_what_fails_for_good_is_never_retried() {
    for kind in ErrorKind::ALL {
        let is_retried = matches!(
            kind,
            ErrorKind::Network
                | ErrorKind::Overloaded
                | ErrorKind::RateLimited
                | ErrorKind::Timeout(_)
                | ErrorKind::Truncated
                | ErrorKind::Malformed
        );
        let expected = if is_retried { 3 } else { 1 };
        assert_eq!(attempts(Retry::default(), Error::new(kind, "no")), expected, "{kind}");
        // A layer further in has given up on it.
        assert_eq!(attempts(Retry::default(), Error::new(kind, "no").into_persistent()), 1, "{kind}");
    }
}

#[test]
fn on_says_what_is_retried() {
    let only = |on: &str| retry(json!({ "on": [on], "budget": null }));
    let words = [
        ("network", ErrorKind::Network),
        ("overloaded", ErrorKind::Overloaded),
        ("rate_limited", ErrorKind::RateLimited),
        ("timeout", ErrorKind::Timeout(TimeoutPhase::Idle)),
        ("truncated", ErrorKind::Truncated),
        ("malformed", ErrorKind::Malformed),
        ("circuit_open", ErrorKind::CircuitOpen),
    ];
    for (word, of) in words {
        for (other, kind) in words {
            let expected = if word == other { 3 } else { 1 };
            assert_eq!(attempts(only(word), Error::new(kind, "no")), expected, "{word}: {kind}");
        }
        assert_eq!(of.status(), Status::Temporary, "what fails for good is not a choice");
    }
}

#[test]
fn y3_a_context_that_is_too_long_is_sent_once() {
    let outcome = go(Retry::default(), ScriptedService::always(failing(ErrorKind::ContextTooLong)));
    let error = outcome.error();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::ContextTooLong, 1));
    assert_eq!(error.status(), Status::Permanent, "nobody gave up on it: it never was to be retried");
}

#[test]
fn y16_an_answer_that_hit_its_length_is_an_answer() {
    let finish = Finish { reason: Some(FinishReason::Length), ..Finish::default() };
    let mut cut = Answer::text(r#"{"city": "Par"#);
    cut.steps.pop();
    cut.steps.push(Step::Event(Event::Finish { choice: 0, finish }));
    let service = ScriptedService::always(cut);
    assert_eq!(go(Retry::default(), service.clone()).text(), r#"{"city": "Par"#);
    assert_eq!(service.calls(), 1);
}

#[test]
fn y17_a_bad_request_in_a_stream_is_the_providers_state_and_is_retried() {
    // Decoders class an error event behind a 2xx head by its phase: here it comes before the first content.
    let bad =
        || Error::new(ErrorKind::Overloaded, "the provider failed").with("type", "invalid_request_error");
    let service = ScriptedService::new([Answer::text("no").with(1, Step::Fail(bad())), Answer::text("yes")]);
    assert_eq!(go(Retry::default(), service.clone()).text(), "yes");
    // The same words in place of an answer are about the request.
    let refused = failing(ErrorKind::InvalidRequest);
    assert_eq!(go(Retry::default(), ScriptedService::always(refused)).error().attempts(), 1);
}
