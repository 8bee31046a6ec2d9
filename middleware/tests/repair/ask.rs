//! What another attempt is sent.

use belvedere_core::message::Role;
use belvedere_core::request::{Options, ResponseFormat};
use serde_json::json;

use super::*;

/// The requests of a poem that breaks after ten events.
fn asked(repair: &Repair, prefill: Prefill) -> Vec<Request> {
    let target = Target::new(&poem(), prefill, &[(14, Break::Cut)]);
    let got = go(repair, target.clone(), "Hi.");
    assert_eq!(got.text(), POEM);
    target.service.requests()
}

/// What of the poem had come after ten events.
const SAID: &str = "Größe ist nicht alles. The sky is bl";

#[test]
fn a_target_that_takes_it_is_given_the_beginning_of_its_answer() {
    let requests = asked(&Repair::default(), Prefill::Takes);
    let mut expected = Request::new([Message::user("Hi."), Message::assistant(SAID)]);
    expected.continue_final_message = true;
    assert_eq!(requests, [Request::from("Hi."), expected]);
}

#[test]
fn a_target_that_lacks_it_is_asked_in_no_language() {
    let requests = asked(&Repair::default(), Prefill::Lacks);
    let ask = format!(r#"{{"continue_after": "{SAID}"}}"#);
    let expected = Request::new([Message::user("Hi."), Message::assistant(SAID), Message::user(ask)]);
    assert_eq!(requests, [Request::from("Hi."), expected]);
}

#[test]
fn the_words_that_ask_can_be_chosen_and_the_tail_is_short() {
    let mut repair = Repair::default();
    repair.ask = "Bitte nach {tail} weiter.".into();
    let long = format!("{}\" und\nEnde", "Das ist lang. ".repeat(100));
    let whole = answer([Part::text(long.clone() + " aus.")], FinishReason::Stop);
    let at = events_of(&whole, 0).len() - 5;
    let target = Target::new(&whole, Prefill::Lacks, &[(at, Break::Cut)]);
    let got = go(&repair, target.clone(), "Hi.");
    assert_eq!(got.text(), long + " aus.");
    let asked = target.service.requests()[1].messages[2].text();
    assert!(asked.starts_with("Bitte nach \"") && asked.ends_with(r#"\" und\nEnde" weiter."#), "{asked}");
    assert_eq!(asked.chars().count(), "Bitte nach \"\\\" und\\nEnde\" weiter.".chars().count() + 80 - 10);
}

#[test]
fn a_short_text_is_asked_for_anew() {
    for (text, marks) in [("One, two, thre", "Again 14"), ("One, two, three,", "Prefix 0")] {
        let whole = answer([Part::text(format!("{text} four."))], FinishReason::Stop);
        let at = 2 + text.len().div_ceil(3);
        let mut events = events_of(&whole, 0);
        events.truncate(at);
        let said = fold(&events).text();
        let target = Target::new(&whole, Prefill::Takes, &[(at, Break::Cut)]);
        let got = go(&Repair::default(), target.clone(), "Hi.");
        assert_eq!(got.text(), format!("{text} four."), "{said}");
        assert_eq!(got.marks()[0].split(' ').next(), marks.split(' ').next(), "{said}");
        assert_eq!(target.service.requests()[1].continue_final_message, marks.starts_with("Prefix"));
    }
}

#[test]
fn a_last_message_does_not_end_in_white_space() {
    let whole = answer([Part::text("One, two, three, four, \n\n five.")], FinishReason::Stop);
    for prefill in [Prefill::Takes, Prefill::Echoes, Prefill::Lacks] {
        for at in 10..events_of(&whole, 0).len() {
            let target = Target::new(&whole, prefill, &[(at, Break::Cut)]);
            let got = go(&Repair::default(), target.clone(), "Hi.");
            assert_eq!(got.text(), whole.text(), "{prefill:?} after {at}");
            for message in target.service.requests().iter().flat_map(|r| r.messages.iter()) {
                let text = message.text();
                assert!(message.role == Role::User || text.trim_end() == text, "{text:?}");
            }
        }
    }
}

#[test]
fn with_an_idempotency_key_the_request_stays_the_same() {
    let simulation = Simulation::new(1);
    let mut options = Options::default();
    options.idempotency_key = Some("once".into());
    let cx = simulation.context_with(options);
    let target = Target::new(&poem(), Prefill::Takes, &[(14, Break::Cut)]);
    let got = go_in(&simulation, &cx, &Repair::default(), target.clone(), "Hi.");
    assert_eq!((got.text(), got.marks()), (POEM.to_owned(), vec![format!("Again {}", SAID.len())]));
    assert_eq!(target.service.requests(), [Request::from("Hi."), Request::from("Hi.")]);
}

#[test]
fn a_beginning_that_the_caller_gave_stays_as_it_is() {
    let mut request = Request::new([Message::user("Hi."), Message::assistant("Well,")]);
    request.continue_final_message = true;
    let service = ScriptedService::new([Answer::deltas([POEM, "!"]).cut(2), Answer::deltas([POEM, "!"])]);
    let got = go(&Repair::default(), service.clone(), request.clone());
    assert_eq!((got.text(), got.marks()), (format!("{POEM}!"), vec![format!("Again {}", POEM.len())]));
    assert_eq!(service.requests(), [request.clone(), request]);
}

#[test]
fn y10_a_continuation_that_is_refused_keeps_the_cause_and_is_a_restart_once() {
    let target = Target::new(&poem(), Prefill::Refuses, &[(14, Break::Reset)]);
    let got = go(&Repair::default(), target.clone(), "Hi.");
    assert_eq!((got.text(), got.end), (POEM.to_owned(), Some(EndKind::Finished)));
    let reasons = got.answer().notices.into_iter().filter_map(|notice| match notice {
        Notice::Continued { reason, by: ContinuedBy::Again, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(reasons.collect::<Vec<_>>(), ["network: the connection was reset"]);
    let continued: Vec<bool> = target.service.requests().iter().map(|r| r.continue_final_message).collect();
    assert_eq!(continued, [false, true, false]);

    // Without another attempt, the real error is the one that is handed out.
    let mut once = Repair::default();
    once.attempts = 1;
    let target = Target::new(&poem(), Prefill::Refuses, &[(14, Break::Reset)]);
    let error = go(&once, target, "Hi.");
    let error = error.error();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 2));
    assert_eq!(error.partial().unwrap().text(), SAID);
}

#[test]
fn a_target_that_drops_it_with_a_notice_is_asked_instead() {
    let dropped = |parameter: &str| {
        Event::Notice(Notice::ParameterDropped { parameter: parameter.into(), reason: "lacks it".into() })
    };
    let lost = Answer::text("Something unheard of.")
        .with(0, Step::Event(dropped("top_k")))
        .with(1, Step::Event(dropped("continue_final_message")));
    let service =
        ScriptedService::new([Answer::deltas([SAID, "ue"]).cut(2), lost, Answer::text("ue because")]);
    let got = go(&Repair::default(), service.clone(), streamed("Hi."));
    assert_eq!(got.text(), format!("{SAID}ue because"));
    assert_eq!(got.marks(), ["Request 0"]);
    assert_eq!((service.calls(), service.dropped()), (3, 1));
    assert_eq!(got.ends(), [EndKind::Truncated, EndKind::Cancelled, EndKind::Finished]);
}

#[test]
fn a_target_held_to_a_form_is_not_asked_for_a_piece_of_it() {
    let json = r#"{"city": "Ulm", "population": 126000, "river": "Donau"}"#;
    let whole = answer([Part::text(json)], FinishReason::Stop);
    let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {}}});
    let forms: [ResponseFormat; 2] = [ResponseFormat::JsonObject, serde_json::from_value(schema).unwrap()];
    for form in forms {
        let target = Target::new(&whole, Prefill::Lacks, &[(14, Break::Cut)]);
        let request = Request::from("Hi.").with_response_format(form);
        let got = go(&Repair::default(), target.clone(), request.clone());
        assert_eq!((got.text(), got.marks()), (json.to_owned(), vec!["Again 36".to_owned()]));
        assert_eq!(target.service.requests(), [request.clone(), request]);
    }
}
