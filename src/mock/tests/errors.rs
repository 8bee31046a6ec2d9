//! Errors instead of an answer.

use belvedere_core::error::{Category, ErrorKind};

use super::*;

#[tokio::test]
async fn a_status_comes_as_the_error_it_means() {
    let statuses = [
        (400, Category::Validation),
        (401, Category::Auth),
        (403, Category::Auth),
        (429, Category::RateLimit),
        (500, Category::Transient),
        (503, Category::Transient),
        (529, Category::Transient),
    ];
    for (wire, server, client) in each(Script::default()).await {
        for (status, category) in statuses {
            server.play(Step::error(status));
            for stream in [false, true] {
                let error = failure(&client, stream).await;
                assert_eq!(error.category(), category, "{wire} {status} {error}");
                assert_eq!(error.provider().and_then(|said| said.status), Some(status), "{wire}");
            }
            assert_eq!(server.stats().by_status[&status], 2, "{wire}");
        }
    }
}

#[tokio::test]
async fn a_delay_is_read_in_every_form() {
    for (wire, server, client) in each(Script::default()).await {
        for form in ["seconds", "milliseconds", "date"] {
            let error = json!({"status": 429, "retry_after": "7s", "retry_after_form": form});
            server.play(step(json!({"error": error})));
            let error = failure(&client, true).await;
            let delay = error.retry_after().unwrap_or_else(|| panic!("{wire} {form}: no delay"));
            // A date has whole seconds, and some time passes before it is read.
            let least = if form == "date" { Duration::from_secs(5) } else { Duration::from_secs(7) };
            assert!(delay >= least && delay <= Duration::from_secs(7), "{wire} {form} {delay:?}");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_error_object_are_errors_all_the_same() {
    let bodies =
        [json!("empty"), json!("html"), json!({"text": "upstream connect error"}), json!({"json": [1]})];
    for (wire, server, client) in each(Script::default()).await {
        for body in &bodies {
            server.play(step(json!({"error": {"status": 503, "body": body}})));
            let error = failure(&client, true).await;
            assert_eq!(error.kind(), ErrorKind::Overloaded, "{wire} {body}");
        }
    }
}

#[tokio::test]
async fn the_first_requests_fail_and_the_next_succeed() {
    for (wire, server, client) in each([Step::error(503).times(2), Step::text("There.")]).await {
        let mut outcomes = Vec::new();
        for _ in 0..4 {
            outcomes
                .push(ask(&client, true).await.map_or_else(|e| e.kind().to_string(), |answer| answer.text()));
        }
        assert_eq!(outcomes, ["overloaded", "overloaded", "There.", "There."], "{wire}");
        assert_eq!(server.stats().by_status.into_iter().collect::<Vec<_>>(), [(200, 2), (503, 2)]);
    }
}

#[tokio::test]
async fn an_error_inside_a_200_is_found() {
    let script = step(
        json!({"answer": {"text": "one two three"}, "fault": {"type": "error", "after": 1, "status": 529}}),
    );
    for (wire, server, client) in each(script).await {
        let error = failure(&client, true).await;
        assert_eq!(error.category(), Category::Transient, "{wire} {error}");
        assert_ne!(error.kind(), ErrorKind::Truncated, "{wire}: {error}");
        assert_eq!(error.partial().unwrap().text(), "one ", "{wire}");
        let error = failure(&client, false).await;
        assert_eq!(error.category(), Category::Transient, "{wire} {error}");
        assert_eq!(server.stats().by_status[&200], 2);
    }
}

#[tokio::test]
async fn a_kind_can_be_named() {
    let script = step(json!({"error": {"status": 429, "kind": "quota_exhausted"}}));
    let (_server, client) = one(script).await;
    assert_eq!(failure(&client, true).await.kind(), ErrorKind::QuotaExhausted);
}
