//! Where two attempts meet.

use super::*;

/// A text that broke here, joined by what another attempt says.
fn join(prefill: bool, said: &str, rest: &[&str]) -> (String, Vec<String>) {
    let mut answers = vec![Answer::deltas([said, "?"]).cut(2)];
    if !prefill {
        answers.push(Answer::refused(Error::new(ErrorKind::Unsupported, "no prefill")));
    }
    answers.push(Answer::deltas(rest.iter().copied()));
    let service = Lacking { service: ScriptedService::new(answers), prefill };
    let got = go(&Repair::default(), service, "Hi.");
    assert_eq!(got.end, Some(EndKind::Finished), "{got:?}");
    (got.text(), got.marks())
}

/// A service that lacks prefill, as a driver has it: without an attempt.
#[derive(Debug, Clone)]
struct Lacking {
    service: ScriptedService,
    prefill: bool,
}

#[async_trait::async_trait]
impl Service for Lacking {
    fn info(&self) -> belvedere_core::service::Info {
        self.service.info()
    }

    async fn call(&self, cx: Context, request: Request) -> belvedere_core::Result<Events> {
        if request.continue_final_message && !self.prefill {
            // The scripted refusal is taken off the script in a call of its own.
            return self.service.call(Simulation::new(1).context(), request).await;
        }
        self.service.call(cx, request).await
    }
}

const SAID: &str = "The sky is blue because air";

#[test]
fn an_asked_target_that_repeats_the_end_is_joined_at_the_seam() {
    let join = |rest: &[&str]| join(false, SAID, rest);
    let whole = format!("{SAID} scatters light.");
    assert_eq!(join(&["blue because air scatters light."]), (whole.clone(), vec!["Request 16".into()]));
    assert_eq!(
        join(&["bl", "ue be", "cause a", "ir scat", "ters light."]),
        (whole.clone(), vec!["Request 16".into()])
    );
    assert_eq!(join(&[SAID, " scatters light."]), (whole.clone(), vec!["Request 27".into()]));
    assert_eq!(join(&[" scatters", " light."]), (whole, vec!["Request 0".into()]));
}

#[test]
fn a_prefilled_target_that_repeats_itself_is_believed() {
    let ha = "ha ha ha ha ha ha ha";
    assert_eq!(join(true, ha, &[" ha ha!"]), (format!("{ha} ha ha!"), vec!["Prefix 0".into()]));
    assert_eq!(join(true, ha, &["ha ha!"]), (format!("{ha}ha ha!"), vec!["Prefix 0".into()]));
    let all = format!("{SAID} scatters");
    assert_eq!(join(true, SAID, &[&all]), (all.clone(), vec!["Prefix 27".into()]));
}

#[test]
fn a_continuation_that_says_nothing_more_is_the_end() {
    assert_eq!(join(true, SAID, &[SAID]), (SAID.into(), vec!["Prefix 27".into()]));
    assert_eq!(join(true, SAID, &[""]), (SAID.into(), vec!["Prefix 0".into()]));
    let nothing = Answer::of(answer([], FinishReason::Stop));
    let service = ScriptedService::new([Answer::deltas([SAID, "?"]).cut(2), nothing]);
    let got = go(&Repair::default(), service, "Hi.");
    assert_eq!((got.text(), got.end), (SAID.to_owned(), Some(EndKind::Finished)));
}

#[test]
fn characters_that_people_see_as_one_stay_one() {
    let said = "Eine Familie: 👩\u{200d}👩";
    for by in [true, false] {
        assert_eq!(
            join(by, said, &["\u{200d}", "👧 zu dritt"]).0,
            "Eine Familie: 👩\u{200d}👩\u{200d}👧 zu dritt"
        );
    }
    let said = "Ein Wort: cafe";
    let rest = ["rt: cafe", "\u{301} und"];
    assert_eq!(
        join(false, "Hier ist ein Wort: cafe", &rest).0,
        "Hier ist ein Wort: cafe\u{301} und",
        "{said}"
    );
}

#[test]
fn thinking_that_comes_first_is_a_part_of_its_own() {
    let thought = || Part::reasoning("They want the rest.");
    let whole = || Part::text(format!("{SAID} scatters."));
    for (rest, parts) in [
        (" scatters.".to_owned(), vec![Part::text(SAID), thought(), Part::text(" scatters.")]),
        (format!("{SAID} scatters."), vec![whole(), thought()]),
        (SAID.to_owned(), vec![Part::text(SAID), thought()]),
        (String::new(), vec![Part::text(SAID), thought()]),
    ] {
        let rest = Answer::of(answer([thought(), Part::text(rest)], FinishReason::Stop));
        let service = ScriptedService::new([Answer::deltas([SAID, "?"]).cut(2), rest]);
        let got = go(&Repair::default(), service, "Hi.");
        assert_eq!((got.parts(), got.end), (parts, Some(EndKind::Finished)));
    }
}

#[test]
fn a_restart_further_in_is_one_more_break() {
    let restart = Event::Notice(Notice::Restart { reason: "inside".into() });
    let twice = |at| {
        let mut events: Vec<Event> = Answer::deltas([" scatters", " light."])
            .steps
            .into_iter()
            .filter_map(|step| if let Step::Event(event) = step { Some(event) } else { None })
            .collect();
        let again = events.clone();
        events.truncate(at);
        events.push(restart.clone());
        events.extend(again);
        Answer::events(events)
    };
    for (at, said) in [(1, SAID.to_owned()), (2, format!("{SAID} scatters"))] {
        let rest = if at == 1 { " scatters light." } else { " light." };
        let service =
            ScriptedService::new([Answer::deltas([SAID, "?"]).cut(2), twice(at), Answer::text(rest)]);
        let got = go(&Repair::default(), service.clone(), streamed("Hi."));
        assert_eq!(got.text(), format!("{SAID} scatters light."), "after {at}");
        assert_eq!(service.requests()[2].messages[1].text(), said);
        assert_eq!((service.calls(), service.dropped()), (3, 1));
    }
}

#[test]
fn a_seam_that_nobody_can_know_is_a_restart() {
    let said = "cobalt ".repeat(9);
    let whole = answer([Part::text("cobalt ".repeat(25))], FinishReason::Stop);
    let at = 2 + said.len().div_ceil(3);
    for prefill in [Prefill::Lacks, Prefill::Echoes] {
        let target = Target::new(&whole, prefill, &[(at, Break::Cut)]);
        let got = go(&Repair::default(), target.clone(), "Hi.");
        assert_eq!((got.text(), got.end), (whole.text(), Some(EndKind::Finished)));
        assert_eq!(got.marks(), ["Again 63"], "{prefill:?}");
        assert_eq!(got.ends(), [EndKind::Truncated, EndKind::Cancelled, EndKind::Finished]);
    }
}
