//! Calls of tools, and thinking: they are asked for again, and never spliced.

use super::*;

const BEFORE: &str = "Let me look at the weather there.";
const CITY: &str = r#"{"city":"Ulm","days":[1,2,3]}"#;

/// An answer of a text and a call, broken inside the call's arguments; then these.
fn broken_call(more: impl IntoIterator<Item = Answer>) -> (Outcome, ScriptedService) {
    let whole = answer([Part::text(BEFORE), call("c1", "weather", CITY)], FinishReason::ToolCalls);
    let first = Answer::of(whole).cut(5).with(4, Step::Event(input(r#"{"city":"#))).cut(5);
    let service = ScriptedService::new(std::iter::once(first).chain(more));
    (go(&Repair::default(), service.clone(), "Hi."), service)
}

fn input(delta: &str) -> Event {
    Event::ToolInput { choice: 0, part: 1, delta: delta.into() }
}

fn calls(parts: impl IntoIterator<Item = Part>) -> Answer {
    Answer::of(answer(parts, FinishReason::ToolCalls))
}

#[test]
fn a_call_that_comes_again_goes_on_where_it_broke_behind_the_text_that_was_kept() {
    let (got, service) = broken_call([calls([call("c2", "weather", CITY)])]);
    assert_eq!(got.parts(), [Part::text(BEFORE), call("c1", "weather", CITY)]);
    assert_eq!(got.marks(), ["Again 8"]);
    let request = &service.requests()[1];
    assert!(request.continue_final_message);
    assert_eq!(request.messages[1], Message::assistant(BEFORE));
}

#[test]
fn w2_a_call_that_comes_otherwise_voids_what_was_said_of_it_and_keeps_the_text() {
    for other in [call("c2", "weather", r#"{"days":[1]}"#), call("c2", "time", CITY)] {
        let (got, _) = broken_call([calls([other.clone()])]);
        assert_eq!(got.parts(), [Part::text(BEFORE), other]);
        assert_eq!(got.marks(), ["restart", "Prefix 0"]);
        let starts = got.events.iter().filter(|event| matches!(event, Event::Start { .. })).count();
        assert_eq!(starts, 2);
    }
}

#[test]
fn a_target_that_repeats_the_text_before_the_call_does_not_double_it() {
    for (other, marks) in [
        (call("c2", "weather", CITY), vec!["Again 41"]),
        (call("c2", "time", CITY), vec!["restart", "Prefix 33"]),
    ] {
        let (got, _) = broken_call([calls([Part::text(BEFORE), other.clone()])]);
        assert_eq!(got.answer().text(), BEFORE);
        assert_eq!(got.answer().tool_calls().count(), 1);
        assert_eq!(got.marks(), marks);
    }
}

#[test]
fn w2_a_text_that_is_repeated_and_closed_at_the_end_is_closed_once() {
    let whole =
        Answer::of(answer([Part::text(BEFORE), call("c2", "weather", CITY)], FinishReason::ToolCalls));
    let is_end = |step: &Step| matches!(step, Step::Event(Event::PartEnd { part: 0, .. }));
    let mut again = whole.clone();
    let end = again.steps.remove(whole.steps.iter().position(is_end).unwrap());
    let last = again.steps.len() - 1;
    let (got, _) = broken_call([again.with(last, end)]);
    assert_eq!(got.parts(), [Part::text(BEFORE), call("c1", "weather", CITY)]);
    assert_eq!((got.marks(), got.end), (vec!["Again 41".to_owned()], Some(EndKind::Finished)));
    let ends =
        |of| got.events.iter().filter(|e| matches!(e, Event::PartEnd { part, .. } if *part == of)).count();
    assert_eq!([0, 1, 2].map(ends), [1, 1, 0]);
}

#[test]
fn further_calls_follow_under_numbers_of_their_own() {
    let more = call("c3", "time", r#"{"zone":"CET"}"#);
    let (got, _) = broken_call([calls([call("c2", "weather", CITY), more.clone()])]);
    assert_eq!(got.parts(), [Part::text(BEFORE), call("c1", "weather", CITY), more]);
}

#[test]
fn a_model_that_says_something_else_instead_is_a_restart_behind_the_text() {
    let (got, _) = broken_call([Answer::text(" On second thought, it is sunny.")]);
    assert_eq!(got.text(), format!("{BEFORE} On second thought, it is sunny."));
    assert_eq!(got.marks(), ["restart", "Prefix 0"]);
    assert_eq!(got.answer().finish_reason(), Some(FinishReason::Stop));
}

#[test]
fn complete_calls_are_not_sent_back_without_their_results() {
    let whole = answer(
        [Part::text(BEFORE), call("c1", "weather", CITY), call("c2", "time", r#"{"zone":"CET"}"#)],
        FinishReason::ToolCalls,
    );
    let at = events_of(&whole, 0).len() - 5;
    let target = Target::new(&whole, Prefill::Takes, &[(at, Break::Cut)]);
    let got = go(&Repair::default(), target.clone(), "Hi.");
    assert_eq!(got.parts(), whole.choices[0].parts);
    let sent: Vec<Part> = target.service.requests()[1].messages[1].parts.clone();
    assert_eq!(sent, [Part::text(BEFORE)]);
}

#[test]
fn calls_side_by_side_each_go_on_where_they_broke() {
    let start = |part, name: &str| Event::ToolStart {
        choice: 0,
        part,
        id: format!("c{part}").into(),
        name: name.into(),
        by: Default::default(),
    };
    let input = |part, delta: &str| Event::ToolInput { choice: 0, part, delta: delta.into() };
    let end = |part| Event::PartEnd { choice: 0, part };
    let events = [
        Event::Start { id: None, model: None },
        start(0, "a"),
        input(0, r#"{"x""#),
        start(1, "b"),
        input(1, r#"{"y":"#),
        input(0, ":1}"),
        input(1, "2}"),
        end(0),
        end(1),
        Event::Finish { choice: 0, finish: Default::default() },
    ];
    let whole = fold(&events);
    for at in 0..events.len() {
        let other = answer(whole.choices[0].parts.clone(), FinishReason::ToolCalls);
        let service = ScriptedService::new([Answer::events(events.clone()).cut(at), Answer::of(other)]);
        let got = go(&Repair::default(), service, "Hi.");
        assert_eq!(got.parts(), whole.choices[0].parts, "after {at}");
        assert!(!got.marks().contains(&"restart".to_owned()), "after {at}");
    }
}

/// An answer of a text and a signed thought, broken inside the thought; then these.
fn broken_thought(more: impl IntoIterator<Item = Answer>) -> Outcome {
    let first =
        Answer::of(answer([Part::text(BEFORE), Part::reasoning("Hm, so")], FinishReason::Stop)).cut(4);
    go(&Repair::default(), ScriptedService::new(std::iter::once(first).chain(more)), "Hi.")
}

fn signed(text: &str, signature: &str) -> Part {
    let part = serde_json::json!({"type": "reasoning", "text": text, "signature": signature, "wire": "w"});
    serde_json::from_value(part).unwrap()
}

#[test]
fn thinking_is_restarted_and_never_spliced_under_a_signature_of_another() {
    let other = [signed("Let me see", "s2"), Part::text(" Sunny.")];
    let got = broken_thought([Answer::of(answer(other.clone(), FinishReason::Stop))]);
    assert_eq!(got.marks(), ["restart", "Prefix 0"]);
    assert_eq!(got.parts(), [Part::text(BEFORE)].into_iter().chain(other).collect::<Vec<_>>());
    // The same thought, word for word, is the same answer: its signature signs what was handed out.
    let same = [signed("Hm, so it is", "s2"), Part::text(" Sunny.")];
    let got = broken_thought([Answer::of(answer(same.clone(), FinishReason::Stop))]);
    assert_eq!(got.marks(), ["Again 6"]);
    assert_eq!(got.parts(), [Part::text(BEFORE)].into_iter().chain(same).collect::<Vec<_>>());
}

#[test]
fn a_signed_thought_that_was_complete_goes_back_before_the_text() {
    let thought = signed("Hm.", "s1");
    let whole = answer([thought.clone(), Part::text(POEM)], FinishReason::Stop);
    let at = events_of(&whole, 0).len() - 8;
    let target = Target::new(&whole, Prefill::Takes, &[(at, Break::Cut)]);
    let got = go(&Repair::default(), target.clone(), "Hi.");
    assert_eq!((got.parts(), got.marks()), (whole.choices[0].parts.clone(), vec!["Prefix 0".to_owned()]));
    assert_eq!(target.service.requests()[1].messages[1].parts[0], thought);
}
