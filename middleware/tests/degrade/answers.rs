//! Texts written beforehand.

use belvedere_core::usage::{Class, Usage};

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(Degrade::default);
    // In these settings it has nothing to say to what the suite does: cuts and refusals have to show.
    belvedere_core::testing::suite::layer(|| {
        degrade(json!({"when": ["overloaded"], "answer": "sorry", "model": "m"}))
    });
}

#[test]
fn a_failed_call_is_answered_and_the_answer_is_marked() {
    let case = Case::new(degrade(json!({"answer": "Please try again."})), [refused(ErrorKind::Overloaded)]);
    let answer = case.ask("hi").unwrap();
    assert_eq!(answer.text(), "Please try again.");
    assert_eq!(answer.notices, [Notice::Degraded { reason: "overloaded".into() }]);
    assert_eq!(case.signals(), ["degraded"], "and no error: it was absorbed");
    assert_eq!(case.answered_by.lock().unwrap().as_deref(), Some(DEGRADED), "no cache may keep it");
    assert_eq!(answer.attempts[0].error, Some(ErrorKind::Overloaded), "the failure is in the list");
}

#[test]
fn a_stream_that_breaks_before_its_first_content_is_answered_with_nothing_of_it() {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(3));
    for broken in [
        Answer::text("hello").cut(0),
        Answer::text("hello").cut(1),
        Answer::text("hello").cut(1).with(1, Step::Event(Event::Usage(Arc::new(usage.clone())))),
        Answer::text("hello").with(1, Step::Fail(Error::new(ErrorKind::Network, "reset"))),
    ] {
        let case = Case::new(degrade(json!({"answer": "sorry"})), [broken]);
        let answer = case.ask("hi").unwrap();
        assert_eq!((answer.text().as_str(), answer.id, answer.usage), ("sorry", None, None));
        assert_eq!(answer.notices.len(), 1);
    }
}

#[test]
fn an_answer_that_comes_is_handed_on_as_it_is() {
    let case = Case::new(degrade(json!({"answer": "sorry", "model": "small"})), [Answer::text("hello")]);
    let answer = case.ask("hi").unwrap();
    assert_eq!((answer.text().as_str(), answer.notices.len()), ("hello", 0));
    assert_eq!((case.signals(), case.answered_by.lock().unwrap().clone()), (vec![], None));
}

#[test]
fn the_first_text_that_applies_is_the_answer() {
    let layer = || {
        degrade(json!({
            "answers": [
                {"when": ["rate_limited"], "tags": {"language": "de"}, "answer": "Zu viele Anfragen."},
                {"tags": {"language": "de"}, "answer": "Gerade gestört."},
                {"when": ["rate_limited"], "answer": "Too many requests."},
            ],
            "answer": "Out of order.",
        }))
    };
    let answer =
        |kind, scope| Case::new(layer(), [refused(kind)]).text(Request::from("hi").with_scope(scope));
    let german = || tags([("language", "de")]);
    assert_eq!(answer(ErrorKind::RateLimited, german()), "Zu viele Anfragen.");
    assert_eq!(answer(ErrorKind::Overloaded, german()), "Gerade gestört.");
    assert_eq!(answer(ErrorKind::RateLimited, Scope::default()), "Too many requests.");
    assert_eq!(answer(ErrorKind::Overloaded, Scope::default()), "Out of order.");
}

#[test]
fn where_no_text_applies_the_error_is_told() {
    let layer = degrade(json!({"answers": [{"tags": {"task": "support"}, "answer": "sorry"}]}));
    let case = Case::new(layer, [refused(ErrorKind::Overloaded)]);
    assert_eq!(case.ask("hi").unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(case.signals(), ["error"]);
}

#[test]
fn a_timeout_of_any_phase_is_one() {
    use TimeoutPhase::{Connect, FirstEvent, Idle, Total};
    for phase in [Connect, FirstEvent, Idle, Total] {
        let layer = degrade(json!({"when": ["timeout"], "answer": "sorry"}));
        assert_eq!(Case::new(layer, [refused(ErrorKind::Timeout(phase))]).text("hi"), "sorry");
    }
}
