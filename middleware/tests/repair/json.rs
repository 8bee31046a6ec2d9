//! An answer that is to be JSON parses when it is whole.

use belvedere_core::request::ResponseFormat;

use super::*;

const CITY: &str = r#"{"city": "Ulm", "population": 126000, "rivers": ["Donau", "Blau"]}"#;

fn request() -> Request {
    Request::from("Hi.").with_response_format(ResponseFormat::JsonObject)
}

#[test]
fn a_value_goes_on_where_it_broke() {
    let whole = answer([Part::text(CITY)], FinishReason::Stop);
    let count = events_of(&whole, 0).len();
    for prefill in [Prefill::Takes, Prefill::Echoes, Prefill::Lacks, Prefill::Refuses] {
        for at in 0..count {
            for how in Break::ALL {
                let target = Target::new(&whole, prefill, &[(at, how)]);
                let got = go(&Repair::default(), target, request());
                assert_eq!(
                    (got.text(), got.end),
                    (CITY.to_owned(), Some(EndKind::Finished)),
                    "{at} {prefill:?}"
                );
                // Inside the value, past the first 16 characters.
                let is_given =
                    matches!(prefill, Prefill::Takes | Prefill::Echoes) && (8..count - 2).contains(&at);
                assert_eq!(got.marks().iter().any(|m| m.starts_with("Prefix")), is_given, "{at}: {got:?}");
            }
        }
    }
}

/// The first attempt breaks, the second goes on with this, and then there are these.
fn joined(
    rest: &str,
    finish: FinishReason,
    more: impl IntoIterator<Item = Answer>,
) -> (Outcome, ScriptedService) {
    let first = Answer::deltas([&CITY[..40], "?"]).cut(2);
    let rest = Answer::of(answer([Part::text(rest)], finish));
    let service = ScriptedService::new([first, rest].into_iter().chain(more));
    (go(&Repair::default(), service.clone(), request()), service)
}

#[test]
fn what_does_not_parse_is_restarted() {
    let (got, service) = joined(r#"!"oops"]}"#, FinishReason::Stop, [Answer::text(CITY)]);
    assert_eq!((got.text(), got.end), (CITY.to_owned(), Some(EndKind::Finished)));
    assert_eq!(got.marks(), ["Prefix 0", "restart"]);
    assert_eq!(service.requests()[2], request());
    let reason = "malformed: the continued answer is not the JSON that was asked for";
    assert!(got.answer().notices.contains(&Notice::Restart { reason: reason.into() }));
}

#[test]
fn what_does_not_parse_when_no_attempt_is_left_is_malformed() {
    let broken = || Answer::deltas([&CITY[..40], "?"]).cut(2);
    let service = ScriptedService::new([
        broken(),
        Answer::refused(Error::new(ErrorKind::Network, "no")),
        Answer::text("]]"),
    ]);
    let got = go(&Repair::default(), service, request());
    let error = got.error();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Malformed, 3));
    assert_eq!(error.partial().unwrap().text(), format!("{}]]", &CITY[..40]));
    assert!(!got.events.iter().any(|event| matches!(event, Event::Finish { .. })));
}

#[test]
fn y16_what_the_length_cut_off_is_not_asked_for_again() {
    let (got, service) = joined(&CITY[40..50], FinishReason::Length, []);
    assert_eq!((got.text(), got.end), (CITY[..50].to_owned(), Some(EndKind::Finished)));
    assert_eq!((service.calls(), got.answer().finish_reason()), (2, Some(FinishReason::Length)));
}
