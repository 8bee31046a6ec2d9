//! What must hold of every run, whatever broke.

use std::collections::BTreeMap;

use belvedere::completion::Fold;
use belvedere::context::Attempt;
use belvedere::event::{ContinuedBy, Notice};
use belvedere::laws::Laws;
use belvedere::message::arguments;
use belvedere::usage::{Class, Usage};
use belvedere::{Completion, Event, FinishReason};

use super::answer::{Is, Said, is_beginning, is_equal, is_same, said};
use super::known::{Break, Known};
use super::run::{Got, Trial};
use super::target::Manner;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended {
    /// The first attempt was whole: nothing was missing at the break.
    Untouched,
    /// Asked again before anything had been handed out.
    Started,
    /// One whole answer, joined where the first attempt broke off.
    Continued(By),
    /// One whole answer behind a `Restart`.
    Restarted,
    /// A typed error with all that had been handed out.
    Failed,
}

/// How the other attempt was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Prefix,
    Request,
    Again,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) ended: Ended,
    /// How many requests the target refused.
    pub(super) refused: usize,
    /// The laws it broke, in words.
    pub(super) broken: Vec<String>,
}

impl Verdict {
    /// A run that came to nothing.
    pub(super) fn stuck(why: String) -> Self {
        Verdict { ended: Ended::Failed, refused: 0, broken: vec![why] }
    }
}

/// Holds a run to all that must be true of it.
pub(super) fn check(known: &Known, at: Break, trial: Trial, got: &Got) -> Verdict {
    let mut broken = Vec::new();
    let mut require = |holds: bool, what: String| {
        if !holds {
            broken.push(what);
        }
    };
    let answer = checked_events(known, got, &mut require);
    require(got.left == [0; 3], format!("connections, sleeps, tasks are left: {:?}", got.left));
    marks(got, &mut require);
    attempts(got, &answer, &mut require);
    let ended = ended(got);
    match &got.error {
        None => whole(known, got, &answer, &mut require),
        Some(error) => {
            let partial = error.partial().map(said).unwrap_or_default();
            require(
                is_equal(&partial, &said(&answer)),
                "the error's partial answer is not what was handed out".into(),
            );
            let mute = Completion::default();
            let usage = |c: &Completion| c.usage.as_ref().map(|usage| usage.classes.clone());
            let of = error.partial().unwrap_or(&mute);
            require(usage(of) == usage(&answer), "the error's partial answer has other usage".into());
        }
    }
    match trial {
        Trial::Fail => {
            let again = matches!(ended, Ended::Continued(_) | Ended::Restarted);
            require(!again && !asked_late(got), "`fail` asked again".into());
        }
        Trial::Restart => require(!matches!(ended, Ended::Continued(_)), "`restart` continued".into()),
        Trial::Refused => {
            let shown = matches!(ended, Ended::Continued(By::Prefix | By::Request));
            require(!shown, "what was refused was continued".into());
        }
        Trial::Once | Trial::Twice | Trial::Gone => {}
    }
    let place = |what: String| {
        let (name, host, inside) = (&known.name, &known.host.provider, at.inside);
        format!("{name} on {host}, {trial:?}, broken after {} bytes inside {inside:?}: {what}", at.at)
    };
    Verdict { ended, refused: got.asked.refused.len(), broken: broken.into_iter().map(place).collect() }
}

/// The answer that was handed out, as far as it came. Until each `Restart` and at the end, it is the beginning of
/// one answer.
fn checked_events(known: &Known, got: &Got, require: &mut impl FnMut(bool, String)) -> Completion {
    let one = said(&known.answer);
    let (mut fold, mut laws) = (Fold::default(), Laws::default());
    for (i, event) in got.events.iter().enumerate() {
        if let Err(breach) = laws.event(event) {
            require(false, format!("event {i} breaks a law: {breach}"));
        }
        let restart = matches!(event, Event::Notice(Notice::Restart { .. }));
        if restart && known.host.manner != Manner::Rephrase {
            let before = said(fold.completion());
            require(is_beginning(&before, &one), format!("before the restart, a splice: {before:?}"));
        }
        fold.event(event);
    }
    if got.error.is_none() {
        require(laws.finished().is_ok(), "it ended without its Finish".into());
    }
    let answer = fold.into_completion();
    if known.host.manner != Manner::Rephrase {
        let all = said(&answer);
        require(is_beginning(&all, &one), format!("a splice or a duplicate: {all:?}, not {one:?}"));
    }
    answer
}

/// Where content had been handed out before another attempt began, the next content stands behind a mark.
fn marks(got: &Got, require: &mut impl FnMut(bool, String)) {
    for seam in got.asked.seams.iter().skip(1) {
        let (before, after) = got.events.split_at_checked(*seam).unwrap_or_default();
        let unmarked = after.iter().take_while(|event| !is_mark(event)).any(|event| event.part().is_some());
        require(!(has_content(before) && unmarked), format!("a silent splice behind event {seam}"));
    }
}

/// Whether another attempt began when content had been handed out.
fn asked_late(got: &Got) -> bool {
    let before = |seam: &usize| got.events.get(..*seam).unwrap_or_default();
    got.asked.seams.iter().skip(1).any(|seam| has_content(before(seam)))
}

/// Whether there is content in these events that no `Restart` has voided.
fn has_content(events: &[Event]) -> bool {
    let since = events.iter().rposition(is_restart).map_or(0, |at| at + 1);
    events.iter().skip(since).any(|event| event.part().is_some())
}

fn is_restart(event: &Event) -> bool {
    matches!(event, Event::Notice(Notice::Restart { .. }))
}

fn is_mark(event: &Event) -> bool {
    matches!(event, Event::Notice(Notice::Restart { .. } | Notice::Continued { .. }))
}

/// Every attempt has its end, and the usage that was handed out is that of all of them, or says that it is not.
fn attempts(got: &Got, answer: &Completion, require: &mut impl FnMut(bool, String)) {
    let attempts = got.call.attempts();
    require(
        attempts.len() == got.asked.seams.len(),
        format!("{} attempts for {} requests", attempts.len(), got.asked.seams.len()),
    );
    require(attempts.iter().all(|attempt| attempt.end.is_some()), "an attempt has no end".into());
    if let Some(error) = &got.error {
        let (said, made) = (error.attempts() as usize, attempts.len());
        require(said == made, format!("the error says {said} attempts of {made}"));
    }
    usage(got, &attempts, answer, require);
}

fn usage(got: &Got, attempts: &[Attempt], answer: &Completion, require: &mut impl FnMut(bool, String)) {
    let mut all = Usage::default();
    attempts.iter().filter_map(|attempt| attempt.usage.as_deref()).for_each(|usage| all.add(usage));
    let none = BTreeMap::<Class, u64>::new();
    let handed = answer.usage.as_ref().map_or(&none, |usage| &usage.classes);
    require(*handed == all.classes, format!("usage {handed:?}, of all attempts {:?}", all.classes));
    let mut before = attempts.iter().rev().skip(1);
    let untold = before.any(|attempt| attempt.usage.is_none() && attempt.status == Some(200));
    let says = |notice: &Notice| matches!(notice, Notice::Layer { layer, .. } if layer == "repair");
    let partial = got.error.as_ref().and_then(|error| error.partial()).unwrap_or(answer);
    let said = partial.notices.iter().any(says);
    require(said || !untold || handed.is_empty(), "a sum lacks an attempt, and nothing says so".into());
}

fn ended(got: &Got) -> Ended {
    if got.error.is_some() {
        return Ended::Failed;
    }
    let mark = got.events.iter().rev().find(|event| is_mark(event));
    match mark {
        Some(Event::Notice(Notice::Continued { by, .. })) => Ended::Continued(match by {
            ContinuedBy::Prefix => By::Prefix,
            ContinuedBy::Request => By::Request,
            _ => By::Again,
        }),
        Some(_) => Ended::Restarted,
        None if got.asked.seams.len() > 1 => Ended::Started,
        None => Ended::Untouched,
    }
}

/// What must be true of an answer that finished.
fn whole(known: &Known, got: &Got, answer: &Completion, require: &mut impl FnMut(bool, String)) {
    let (one, all) = (said(&known.answer), said(answer));
    let other = got.asked.said.last();
    match (known.host.manner, other) {
        (Manner::Rephrase, Some(other)) => {
            let joined = matches!(ended(got), Ended::Continued(_));
            let last = said(other);
            require(joined || is_equal(&all, &last), format!("neither answer is whole: {all:?}"));
            require(unmixed(&all, &[&one, &last]), format!("a call was spliced: {all:?}"));
        }
        _ => require(is_equal(&all, &one), format!("not the answer: {all:?}, not {one:?}")),
    }
    let (reason, due) = (answer.finish_reason(), known.answer.finish_reason());
    // Not every wire can end an answer without saying why.
    require(reason == due || due.is_none(), format!("finished {reason:?}, not {due:?}"));
    let parses = |answer: &Completion| serde_json::from_str::<serde_json::Value>(&answer.text()).is_ok();
    if known.is_json() && parses(&known.answer) {
        require(parses(answer), format!("no JSON: {}", answer.text()));
    }
    let calls =
        |answer: &Completion| answer.tool_calls().filter(|call| arguments(call.input).is_err()).count();
    if due != Some(FinishReason::Length) {
        require(calls(answer) <= calls(&known.answer), "the arguments of a call are no JSON".into());
    }
}

/// Whether each call is one of these answers' own, and none of two.
fn unmixed(all: &Said, of: &[&Said]) -> bool {
    let is_call = |run: &&(Is, String)| matches!(run.0, Is::Call(_));
    let mut calls = all.values().flatten().filter(is_call);
    calls.all(|call| of.iter().any(|answer| answer.values().flatten().any(|other| is_same(other, call))))
}
