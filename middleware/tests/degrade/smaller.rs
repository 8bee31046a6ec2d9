//! The smaller model.

use std::num::NonZeroU32;

use super::*;

fn layer() -> Degrade {
    degrade(json!({"model": "small", "answer": "sorry"}))
}

fn models(case: &Case) -> Vec<Option<String>> {
    case.service.requests().iter().map(|r| r.model.as_ref().map(ToString::to_string)).collect()
}

#[test]
fn the_smaller_model_is_asked_first() {
    let case = Case::new(layer(), [refused(ErrorKind::Overloaded), Answer::text("hello")]);
    let answer = case.ask(Request::from("hi").with_model("large")).unwrap();
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.notices, [Notice::Degraded { reason: "overloaded".into() }]);
    assert_eq!(models(&case), [Some("large".to_owned()), Some("small".to_owned())]);
    assert_eq!((case.signals(), answer.attempts.len()), (vec!["degraded".to_owned()], 2));
    assert_eq!(case.answered_by.lock().unwrap().as_deref(), Some(DEGRADED));
}

#[test]
fn where_it_fails_too_the_text_is_the_answer_and_the_first_error_is_told() {
    let failing = || [refused(ErrorKind::Overloaded), Answer::text("hello").cut(1)];
    let answer = Case::new(layer(), failing()).ask("hi").unwrap();
    assert_eq!((answer.text().as_str(), answer.notices.len()), ("sorry", 1));
    let case = Case::new(degrade(json!({"model": "small"})), failing());
    let error = case.ask("hi").unwrap_err();
    assert_eq!((error.kind(), error.history().len()), (ErrorKind::Overloaded, 2));
}

#[test]
fn a_verdict_on_the_smaller_model_is_never_swallowed() {
    let case = Case::new(layer(), [refused(ErrorKind::Overloaded), refused(ErrorKind::Blocked)]);
    assert_eq!(case.ask("hi").unwrap_err().kind(), ErrorKind::Blocked);
}

#[test]
fn w6_it_is_an_attempt_drawn_on_the_budget_of_the_call() {
    let case = Case::new(layer(), [refused(ErrorKind::Overloaded), Answer::text("hello")]);
    let mut request = Request::from("hi");
    request.options.get_or_insert_default().attempts = NonZeroU32::new(1);
    assert_eq!(case.text(request), "sorry");
    assert_eq!(case.service.calls(), 1);
}

#[test]
fn it_is_not_asked_twice() {
    let case = Case::new(layer(), [refused(ErrorKind::Overloaded), Answer::text("hello")]);
    assert_eq!(case.text(Request::from("hi").with_model("small")), "sorry");
    assert_eq!(case.service.calls(), 1);
}
