//! What all attempts used is added up.

use std::sync::Arc;

use belvedere_core::usage::{Class, Usage};

use super::*;

fn used(answer: &Completion) -> Option<(u64, u64)> {
    let usage = answer.usage.as_ref()?;
    Some((usage.get(&Class::Input)?, usage.get(&Class::Output)?))
}

/// What the attempts used, as the call's record has it.
fn sum(attempts: &[Attempt]) -> Usage {
    let mut sum = Usage::default();
    attempts.iter().filter_map(|attempt| attempt.usage.as_deref()).for_each(|usage| sum.add(usage));
    sum
}

#[test]
fn the_usage_of_an_answer_is_that_of_all_its_attempts() {
    let whole = poem();
    let count = events_of(&whole, 0).len();
    for first in 0..count {
        for second in [0, 1, 2, 5, count - 1] {
            for policy_of in [Policy::Restart, Policy::Continue] {
                let breaks = [(first, Break::Reset), (second, Break::Cut)];
                let target = Target::new(&whole, Prefill::Takes, &breaks);
                let got = go(&policy(policy_of), target, "Hi.");
                let place = format!("{first} {second} {policy_of:?}: {got:?}");
                assert_eq!(got.answer().usage.unwrap().classes, sum(&got.attempts).classes, "{place}");
            }
        }
    }
}

#[test]
fn it_grows_with_each_event_and_the_attempts_keep_their_own() {
    let target = Target::new(&poem(), Prefill::Takes, &[(14, Break::Cut)]);
    let got = go(&Repair::default(), target, "Hi.");
    let seen = got.events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some((usage.get(&Class::Input).unwrap(), usage.get(&Class::Output).unwrap())),
        _ => None,
    });
    assert_eq!(seen.collect::<Vec<_>>(), [(100, 1), (200, 2), (200, 11)]);
    let own: Vec<_> = got.attempts.iter().map(|a| a.usage.as_ref().unwrap().get(&Class::Output)).collect();
    assert_eq!(own, [Some(1), Some(10)]);
}

#[test]
fn an_attempt_without_usage_is_unknown_and_said_to_be() {
    let said = |got: &Outcome| {
        let layer = |notice: &&Notice| matches!(notice, Notice::Layer { layer, .. } if layer == "repair");
        got.answer().notices.iter().filter(layer).count()
    };
    for at in [0, 1, 2] {
        let whole = Answer::of(poem());
        let mut known = Usage::default();
        known.set(Class::Input, Some(7));
        known.set(Class::Output, Some(3));
        let told = whole.clone().with(1, Step::Event(Event::Usage(Arc::new(known))));
        let service = ScriptedService::new([whole.cut(at), told]);
        let got = go(&policy(Policy::Restart), service, "Hi.");
        assert_eq!((used(&got.answer()), said(&got)), (Some((7, 3)), 1), "after {at}");
    }
    // It is said of the answer that comes, when the attempt in front of which it was to be said came to nothing.
    let whole = Answer::deltas([POEM, "!"]);
    let refused = Answer::refused(Error::new(ErrorKind::InvalidRequest, "no prefill"));
    let service = ScriptedService::new([whole.clone().cut(2), refused, whole]);
    let got = go(&Repair::default(), service.clone(), "Hi.");
    assert_eq!((used(&got.answer()), said(&got), service.calls()), (None, 1, 3));
    // A call that was refused did not begin to answer.
    let refused = Answer::refused(Error::new(ErrorKind::Overloaded, "busy"));
    let got = go(&Repair::default(), ScriptedService::new([refused, Answer::of(poem())]), "Hi.");
    assert_eq!((used(&got.answer()), said(&got)), (None, 0));
}

#[test]
fn usage_that_only_a_broken_attempt_told_is_not_lost() {
    let first = Answer::events(events_of(&poem(), 0)).cut(14);
    for second in [Answer::text(POEM), Answer::refused(Error::new(ErrorKind::QuotaExhausted, "no more"))] {
        for policy_of in [Policy::Restart, Policy::Continue] {
            let service = ScriptedService::new([first.clone(), second.clone()]);
            let got = go(&policy(policy_of), service, "Hi.");
            let answer = got.error.as_ref().and_then(|e| e.partial().cloned()).unwrap_or(got.answer());
            assert_eq!(used(&answer), Some((100, 1)), "{policy_of:?}");
        }
    }
}

#[test]
fn a_sum_that_lacks_an_attempt_says_so_in_the_end_too() {
    let first = Answer::events(events_of(&poem(), 0)).cut(14);
    let mute = Answer::text(POEM).cut(0);
    let service = ScriptedService::new([first, mute.clone(), mute]);
    let got = go(&Repair::default(), service, "Hi.");
    let partial = got.error().partial().cloned().unwrap();
    assert_eq!((used(&partial), partial.notices.len(), got.attempts.len()), (Some((100, 1)), 1, 3));
    assert_eq!(partial, got.answer());
}
