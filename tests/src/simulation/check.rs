//! The laws that are seen from outside: after every step, and at the end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use belvedere::EndKind;
use belvedere::clock::Clock;

use super::plan::{Caller, Leaves, Plan};
use super::promise::ATTEMPTS;
use super::scene::{Scene, Seen};
use super::secrets_of;
use super::world::World;

/// After each step.
pub(super) fn step(world: &World) {
    let late: Vec<(usize, Duration, Duration)> = {
        let state = world.scene.lock();
        let calls = state.calls.iter().enumerate().zip(&world.plan.callers);
        let late = calls.filter_map(|((call, seen), caller)| {
            let since = seen.waits_since.map_or(Duration::ZERO, |since| state.elapsed.saturating_sub(since));
            let waited = seen.waited + since;
            let bound = world.plan.bound(caller, seen.scripted)? + world.slack;
            (seen.end.is_none() && waited > bound).then_some((call, waited, bound))
        });
        late.collect()
    };
    for (call, waited, bound) in late {
        let what = format_args!("call {call}: its caller has waited {waited:?}, and {bound:?} is the most");
        world.scene.breach("W15", what);
    }
}

/// A caller was dropped: at once nothing of its call is left.
pub(super) fn dropped(scene: &Scene, plan: &Plan, call: usize) {
    let (_controller, open) = scene.of(call, |seen| {
        seen.end.get_or_insert(EndKind::Cancelled);
        (seen.controller.take(), seen.lines.len())
    });
    if open > 0 && !plan.layers.rules.drains {
        scene.breach("W4", format_args!("call {call}: it was dropped and has {open} open connections"));
    }
}

/// At the end of a run.
pub(super) fn end(world: &World) {
    idle(world, "streams that have ended are still there");
    let kept = std::mem::take(&mut world.scene.lock().kept);
    drop(kept);
    idle(world, "all is over");
    for (call, caller) in world.plan.callers.iter().enumerate() {
        let wrong = {
            let state = world.scene.lock();
            state.calls.get(call).map(|seen| ends(seen, &world.plan, caller)).unwrap_or_default()
        };
        for (law, what) in wrong {
            world.scene.breach(law, format_args!("call {call}: {what}"));
        }
        secrets(world, call);
    }
    super::books::end(world);
}

/// Law W4: nothing is left.
fn idle(world: &World, when: &str) {
    let tasks = world.spawner.names();
    if world.spawner.open() > 0 {
        world.scene.breach("W4", format_args!("{when}, and tasks are left: {tasks:?}"));
    }
    let sleeps = world.clock.pending_sleeps();
    if sleeps > 0 {
        let next = world.clock.next_deadline().map(|at| at.since(world.clock.now()));
        world.scene.breach("W4", format_args!("{when}, and {sleeps} sleeps are left, the next in {next:?}"));
    }
    let lines: usize = world.scene.lock().calls.iter().map(|seen| seen.lines.len()).sum();
    if lines > 0 {
        world.scene.breach("W4", format_args!("{when}, and {lines} connections are open"));
    }
}

/// Laws W3 and W6: one end, the same for all on one side; no more attempts than allowed.
fn ends(seen: &Seen, plan: &Plan, caller: &Caller) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let end = seen.end.unwrap_or(EndKind::Cancelled);
    if seen.untold > 0 {
        wrong.push(("W3", format!("{} witnesses were told no end", seen.untold)));
    }
    // The client's own deadline ends what is inside by dropping it, also when it passed in a pause and its caller
    // cancelled before it came to the error.
    let unread = end == EndKind::Failed && caller.pauses.is_some() && caller.leaves != Leaves::AtTheEnd;
    let inside = if seen.late || unread { EndKind::Cancelled } else { end };
    // Who leaves while an observer settles, or before what was read ahead is handed out, misses an end that others
    // were told.
    let layers = &plan.layers;
    let ahead =
        plan.settles || caller.pauses.is_some() || layers.chosen.iter().any(|chosen| chosen.reads_ahead);
    // A budget closes an answer that it has no more money for.
    let budget = layers.place("budget").filter(|_| inside == EndKind::Failed);
    let fits = |level: usize, told: EndKind| {
        let is_closed = budget.is_some_and(|budget| level > budget) && told == EndKind::Cancelled;
        told == inside || (ahead && inside == EndKind::Cancelled) || is_closed
    };
    // Inside of a layer that makes several attempts, each has its own end; so has each call that a checkpoint ended.
    // What a timeout drops is not told why.
    let repeats = layers.divide();
    let innermost = layers.chosen.len().max(1);
    let outside = |level: usize| level < innermost && repeats.is_none_or(|repeats| level <= repeats);
    // Of several calls, the last one gave the caller its end. It may have been refused before it came as far as another.
    let call = seen.calls.last().map(|call| call.id);
    let levels = seen.told.iter().filter(|(of, level, _)| Some(*of) == call && outside(*level));
    let latest: BTreeMap<usize, EndKind> = levels.map(|(_, level, told)| (*level, *told)).collect();
    for (level, told) in latest.into_iter().filter(|(level, told)| !fits(*level, *told)) {
        wrong.push(("W3", format!("level {level} was told {told:?}, and the caller {end:?}")));
    }
    let attempts: Vec<_> = seen.calls.iter().map(|call| call.attempts()).collect();
    if let Some(most) = attempts.iter().map(Vec::len).max().filter(|most| *most > ATTEMPTS as usize) {
        wrong.push(("W6", format!("{most} attempts were made")));
    }
    let is_told = !layers.has("repair") && !layers.has("degrade");
    let told = attempts.len().max(1) + seen.further;
    if is_told && attempts.iter().map(Vec::len).sum::<usize>() > told {
        wrong.push(("W6", format!("more attempts were made than the {told} that were told of")));
    }
    // A call that went on with a complete answer made no attempt.
    let last = attempts.last().and_then(|attempts| attempts.last()?.end);
    let any = attempts.iter().flatten().any(|attempt| attempt.end == Some(EndKind::Finished));
    let attempts = attempts.concat();
    if seen.requests > attempts.len() {
        wrong.push(("W6", format!("{} requests for {} attempts", seen.requests, attempts.len())));
    }
    if let Some(at) = attempts.iter().position(|attempt| attempt.end.is_none()) {
        wrong.push(("W3", format!("attempt {at} has no end")));
    }
    if repeats.is_some() {
        if end == EndKind::Finished && !any && !seen.degraded && last.is_some() {
            wrong.push(("W3", "the call finished, and no attempt did".to_owned()));
        }
    } else if let Some(told) = last
        && !fits(innermost, told)
        // The attempt itself knows that it was the deadline.
        && !(inside != end && told == end)
    {
        wrong.push(("W3", format!("the last attempt ended as {told:?}, and the call as {end:?}")));
    }
    wrong
}

/// Law W12, for what can be printed besides errors.
fn secrets(world: &World, call: usize) {
    // Printing everything takes longer than most runs do.
    if call > 0 || !world.plan.seed.is_multiple_of(64) {
        return;
    }
    let inside = world.scene.of(call, |seen| seen.calls.clone());
    let text = format!("{:?} {inside:?}", world.client);
    // Its kept answers stand in it.
    for (what, secret) in secrets_of(call).into_iter().take(2) {
        if text.contains(&secret) {
            world.scene.breach("W12", format_args!("{what} stands in the client's Debug"));
        }
    }
}
