//! What no last resort stands in for.

use belvedere_core::checkpoint::Checkpoint;
use belvedere_core::context::{Call, Context};
use belvedere_core::layer::Layer;
use belvedere_core::message::Message;
use belvedere_core::request::{Options, ResponseFormat, ToolChoice};
use futures_util::StreamExt;

use super::*;

/// A layer that steps in for all it may.
fn eager() -> Degrade {
    let every = EVERY.into_iter().filter_map(Reason::of);
    Degrade::default().with_when(every).with_answer("sorry")
}

#[test]
fn verdicts_cancels_budgets_and_wrong_requests_reach_the_caller() {
    use ErrorKind::*;
    let told: Vec<ErrorKind> = EVERY
        .into_iter()
        .filter(|kind| Case::new(eager(), [refused(*kind)]).ask("hi").map_err(|e| e.kind()) == Err(*kind))
        .collect();
    assert_eq!(
        told,
        [InvalidRequest, ContextTooLong, Unsupported, ConfigInvalid, BudgetExceeded, Blocked, Cancelled]
    );
}

#[test]
fn a_fault_of_the_configuration_shows_unless_it_is_asked_for() {
    for kind in
        [ErrorKind::Unauthorized, ErrorKind::ModelNotFound, ErrorKind::ContentFiltered, ErrorKind::Unexpected]
    {
        let usual = Case::new(degrade(json!({"answer": "sorry"})), [refused(kind)]);
        assert_eq!(usual.ask("hi").unwrap_err().kind(), kind);
    }
}

#[test]
fn a_stream_that_broke_after_content_ends_with_its_error() {
    for k in 2..=3 {
        let case = Case::new(eager(), [Answer::text("hello").cut(k)]);
        let error = case.ask("hi").unwrap_err();
        assert_eq!(
            (error.kind(), error.partial().unwrap().text()),
            (ErrorKind::Truncated, "hello".to_owned())
        );
        assert_eq!(case.signals(), ["error"]);
    }
}

#[test]
fn what_fails_without_a_last_resort_keeps_what_came_before_the_error() {
    let case = Case::new(
        degrade(json!({"when": ["overloaded"], "answer": "sorry"})),
        [Answer::text("hello").with(1, Step::Fail(Error::new(ErrorKind::Forbidden, "no")))],
    );
    let events = case.simulation.run(async {
        case.client
            .stream("hi")
            .await
            .unwrap()
            .map(|item| item.map_err(|e| e.kind()))
            .collect::<Vec<_>>()
            .await
    });
    assert!(matches!(events.as_slice(), [Ok(Event::Start { .. }), Err(ErrorKind::Forbidden)]), "{events:?}");
}

#[test]
fn an_answer_that_goes_on_is_not_replaced() {
    let simulation = Simulation::new(1);
    let lent = simulation.lent();
    let mut call = Call::new(&lent, Options::default());
    call.resume = Some(Arc::new(Checkpoint::new("hi".into(), Completion::of_text("The sky"), Vec::new())));
    let stack = eager().layer(ScriptedService::new([refused(ErrorKind::Overloaded)]).into());
    let cx = Context::new(Arc::new(lent), Arc::new(call));
    let answer = simulation.run(stack.call(cx, "hi".into())).map(|_| ());
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Overloaded);
}

#[test]
fn a_text_is_no_tool_call_no_rest_of_an_answer_and_no_vector() {
    let failing = || Case::new(eager(), [refused(ErrorKind::Overloaded)]);
    let mut call = Request::from("hi");
    call.tool_choice = Some(ToolChoice::Required);
    assert!(failing().ask(call).is_err());
    let mut rest = Request::new([Message::user("hi"), Message::assistant("The")]);
    rest.continue_final_message = true;
    assert!(failing().ask(rest).is_err());
    let case = failing();
    assert!(case.simulation.run(case.client.embed(["a"])).is_err());
}

#[test]
fn who_asks_for_json_gets_json() {
    let ask = |answer: &str| {
        let case = Case::new(Degrade::default().with_answer(answer), [refused(ErrorKind::Overloaded)]);
        case.ask(Request::from("hi").with_response_format(ResponseFormat::of::<Vec<u32>>())).map(|a| a.text())
    };
    assert_eq!(ask("[]").unwrap(), "[]");
    assert_eq!(ask("sorry").unwrap_err().kind(), ErrorKind::Overloaded);
}
