//! Answers as streams: split at random, and with parts that take turns.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::completion::Completion;
use belvedere_core::event::Event;
use belvedere_core::testing::{Answer, Step};
use serde_json::Map;

/// An answer without what depends on the shape of the counters: the provider's own usage object.
pub(crate) fn essence(mut answer: Completion) -> Completion {
    if let Some(usage) = answer.usage.as_mut().map(Arc::make_mut) {
        (usage.reported, usage.raw) = (None, Map::new());
    }
    answer
}

/// The events of an answer, its deltas split at random. Sources stand where providers send them: in their part.
pub(crate) fn events(answer: &Completion, mut cuts: u64) -> Vec<Event> {
    let mut out = Vec::new();
    for step in Answer::of(answer.clone()).steps {
        let Step::Event(event) = step else { continue };
        if let Event::Source { choice, source } = &event
            && let Some(part) = source.part
        {
            let end = Event::PartEnd { choice: *choice, part };
            let at = out.iter().position(|other| *other == end).unwrap_or(out.len());
            out.insert(at, event);
            continue;
        }
        let Some((delta, rebuild)) = delta(&event) else {
            out.push(event);
            continue;
        };
        let mut rest = delta;
        while !rest.is_empty() {
            // A step of a linear congruential generator (Knuth's MMIX): enough to choose lengths.
            cuts = cuts.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = usize::try_from(cuts >> 61).unwrap() + 1;
            let at = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
            let (piece, tail) = rest.split_at(at);
            out.push(rebuild(piece.into()));
            rest = tail;
        }
    }
    out
}

/// The text of an event that can be split, and how to make events of the pieces.
#[expect(clippy::type_complexity, reason = "it is a pair used once")]
fn delta(event: &Event) -> Option<(&str, Box<dyn Fn(SmolStr) -> Event>)> {
    let (choice, part) = event.part()?;
    Some(match event {
        Event::Text { delta, .. } => (delta, Box::new(move |delta| Event::Text { choice, part, delta })),
        Event::Reasoning { delta, .. } => {
            (delta, Box::new(move |delta| Event::Reasoning { choice, part, delta }))
        }
        Event::Refusal { delta, .. } => {
            (delta, Box::new(move |delta| Event::Refusal { choice, part, delta }))
        }
        Event::ToolInput { delta, .. } => {
            (delta, Box::new(move |delta| Event::ToolInput { choice, part, delta }))
        }
        Event::Signature { delta, wire, .. } => {
            let wire = wire.clone();
            (delta, Box::new(move |delta| Event::Signature { choice, part, delta, wire: wire.clone() }))
        }
        _ => return None,
    })
}

/// The same events with the parts of each choice open at once: they begin in order, and then take turns.
pub(crate) fn interleaved(events: Vec<Event>) -> Vec<Event> {
    let (mut head, mut openings, mut tail) = (Vec::new(), Vec::new(), Vec::new());
    let mut turns: BTreeMap<(u32, u32), Vec<Event>> = BTreeMap::new();
    let mut whole = BTreeSet::new();
    for event in events {
        let part = match &event {
            Event::Source { choice, source } => source.part.map(|part| (*choice, part)),
            event => event.part(),
        };
        match part {
            Some(part) => match turns.get_mut(&part) {
                // Further fields come with what they belong to.
                Some(waiting) if waiting.is_empty() && matches!(event, Event::Extra { .. }) => {
                    openings.push(event);
                }
                Some(waiting) => waiting.push(event),
                // What comes whole ends before the next begins.
                None if matches!(event, Event::Media { .. } | Event::Opaque { .. }) => {
                    let (choice, number) = part;
                    whole.insert(part);
                    openings.extend([event, Event::PartEnd { choice, part: number }]);
                }
                None if whole.contains(&part) => {}
                None => {
                    turns.insert(part, Vec::new());
                    openings.push(event);
                }
            },
            None if matches!(event, Event::Start { .. }) => head.push(event),
            None => tail.push(event),
        }
    }
    head.extend(openings);
    let longest = turns.values().map(Vec::len).max().unwrap_or_default();
    for i in 0..longest {
        head.extend(turns.values().filter_map(|waiting| waiting.get(i).cloned()));
    }
    head.extend(tail);
    head
}
