//! Every kind of answer, broken in every way after every event, on every kind of target.

use super::*;

const PREFILLS: [Prefill; 4] = [Prefill::Takes, Prefill::Echoes, Prefill::Lacks, Prefill::Refuses];

/// The answers that are broken.
fn answers() -> Vec<(&'static str, Completion)> {
    let long = || Part::text("Let me look at the weather there first.  \n");
    let weather = || call("c1", "weather", r#"{"city":"Ulm","days":[1,2,3]}"#);
    let thought = || Part::reasoning("The user wants weather. I should call the tool.");
    vec![
        ("text", poem()),
        ("reasoning and text", answer([thought(), Part::text(POEM)], FinishReason::Stop)),
        ("a call", answer([weather()], FinishReason::ToolCalls)),
        ("text and a call", answer([long(), weather()], FinishReason::ToolCalls)),
        (
            "text and calls",
            answer([long(), weather(), call("c2", "time", r#"{"zone":"CET"}"#)], FinishReason::ToolCalls),
        ),
        ("text, reasoning and text", answer([long(), thought(), Part::text(POEM)], FinishReason::Stop)),
    ]
}

/// Wires that close each part in its place, and wires that close all at the end.
fn shapes(events: Vec<Event>) -> [Vec<Event>; 2] {
    let (ends, mut late): (Vec<_>, Vec<_>) =
        events.iter().cloned().partition(|event| matches!(event, Event::PartEnd { .. }));
    let finish = late.pop();
    late.extend(ends.into_iter().chain(finish));
    [events, late]
}

#[test]
fn w2_y9_l13_an_answer_that_breaks_anywhere_is_one_whole_answer_in_the_end() {
    for (name, whole) in answers() {
        let count = events_of(&whole, 0).len();
        for at in 0..count {
            for how in Break::ALL {
                for prefill in PREFILLS {
                    let target = Target::new(&whole, prefill, &[(at, how)]);
                    let got = go(&Repair::default(), target.clone(), "Hi.");
                    let place = format!("{name}, {how:?} after {at}, {prefill:?}: {got:?}");
                    assert_eq!((got.error.is_none(), got.end), (true, Some(EndKind::Finished)), "{place}");
                    assert_eq!(got.answer().finish_reason(), whole.finish_reason(), "{place}");
                    assert_eq!(joined(&got.parts()), joined(&whole.choices[0].parts), "{place}");
                    assert_eq!(target.service.live(), 0, "{place}");
                    let starts = got.events.iter().filter(|e| matches!(e, Event::Start { .. })).count();
                    let restarts = got.marks().iter().filter(|mark| *mark == "restart").count();
                    assert_eq!(starts, restarts + 1, "{place}");
                    let first = got.attempts.first().unwrap().end;
                    let is_cut = how == Break::Cut;
                    assert_eq!(first == Some(EndKind::Truncated), is_cut, "{place}");
                }
            }
        }
    }
}

/// The parts, neighbouring texts as one: a restart may cut a text elsewhere.
fn joined(parts: &[Part]) -> Vec<Part> {
    parts.iter().fold(Vec::new(), |mut all, part| {
        match (all.last_mut(), part) {
            (Some(Part::Text { text, .. }), Part::Text { text: more, .. }) => text.push_str(more),
            _ => all.push(part.clone()),
        }
        all
    })
}

#[test]
fn w2_what_was_handed_out_is_always_the_beginning_of_the_answer_or_voided() {
    let other = answer([Part::text("Something else entirely.")], FinishReason::Stop);
    for (name, whole) in answers() {
        for at in 0..events_of(&whole, 0).len() {
            let target = Target::new(&whole, Prefill::Refuses, &[(at, Break::Reset)]).or(&other);
            let got = go(&Repair::default(), target, "Hi.");
            let place = format!("{name} after {at}: {got:?}");
            assert_eq!(got.parts(), other.choices[0].parts, "{place}");
            // The first four events show nothing: Start, usage, and what only opens a part.
            let shown = fold(&events_of(&whole, 0)[..at]).choices.iter().any(|c| !c.parts.is_empty());
            let marks: &[&str] = if shown { &["restart"] } else { &[] };
            assert_eq!(got.marks(), marks, "{place}");
        }
    }
}

#[test]
fn wires_that_close_their_parts_at_the_end_are_continued_as_well() {
    let thought = Part::reasoning("Why is it blue? Rayleigh.");
    let whole = answer([thought, Part::text(POEM)], FinishReason::Stop);
    let [_, late] = shapes(events_of(&whole, 0));
    let rest = &POEM[41..];
    for at in [late.len() - 6, late.len() - 20] {
        let said = fold(&late[..at]).text();
        let broken = Answer::events(late.clone()).cut(at);
        let service = ScriptedService::new([broken, Answer::text(&POEM[said.trim_end().len()..])]);
        let got = go(&Repair::default(), service, "Hi.");
        assert_eq!(got.parts(), whole.choices[0].parts, "{rest}");
        assert_eq!(got.marks().len(), 1);
        assert!(got.marks()[0].starts_with("Prefix"), "{:?}", got.marks());
    }
}

#[test]
fn l11_the_partial_answer_is_never_lost() {
    for (name, whole) in answers() {
        let all = events_of(&whole, 0);
        for at in 0..all.len() {
            for how in Break::ALL {
                let target = Target::new(&whole, Prefill::Takes, &[(at, how)]);
                let got = go(&policy(Policy::Fail), target, "Hi.");
                let error = got.error();
                assert_eq!(got.events, all[..at], "{name} after {at}: as it came");
                let partial = error.partial().cloned().unwrap_or_default();
                assert_eq!(partial, fold(&all[..at]), "{name} after {at}");
                assert_eq!(error.attempts(), 1);
            }
        }
    }
}

#[test]
fn l11_nor_is_it_when_every_attempt_breaks() {
    for (name, whole) in answers() {
        let all = events_of(&whole, 0);
        for at in 0..all.len() {
            let target = Target::new(&whole, Prefill::Takes, &[(at, Break::Cut); 3]);
            let got = go(&Repair::default(), target, "Hi.");
            let place = format!("{name} after {at}: {got:?}");
            let Some(error) = &got.error else { continue };
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Truncated, 3), "{place}");
            assert_eq!(got.ends(), [EndKind::Truncated; 3], "{place}");
            let partial = error.partial().cloned().unwrap_or_default();
            assert_eq!(partial, got.answer(), "{place}");
            assert_eq!(got.end, Some(EndKind::Truncated), "{place}");
        }
    }
}

#[test]
fn w4_a_drop_at_every_event_leaves_nothing() {
    let whole = poem();
    for at in 0..events_of(&whole, 0).len() + 4 {
        let simulation = Simulation::new(1);
        let target = Target::new(&whole, Prefill::Takes, &[(9, Break::Reset), (4, Break::Stall)]);
        let stack = Repair::default().layer(Stack::new(target.clone()));
        simulation.run(async {
            let mut events = stack.call(simulation.context(), "Hi.".into()).await.unwrap();
            for _ in 0..at.min(12) {
                events.next().await;
            }
        });
        assert_eq!(target.service.live(), 0);
        simulation.assert_idle();
    }
}
