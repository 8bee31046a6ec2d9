//! What happened in one call, in order, as it happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::clock::Instant;
use crate::event::Event;
use crate::events::{End, EndKind};
use crate::testing::cassette::{Heard, Listener, Scrub};

/// The notes of one call. Beyond their bound the oldest go.
pub(super) struct Timeline(Mutex<State>);

#[derive(Default)]
struct State {
    notes: VecDeque<Note>,
    bytes: usize,
    bound: usize,
    dropped: usize,
    /// Whether the call was paused at the last look.
    paused: bool,
    /// How long it had been paused in all when it was last seen running.
    spent: Duration,
}

/// One thing that happened.
#[derive(Clone)]
pub(super) struct Note {
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What happened.
#[derive(Clone)]
pub(super) enum What {
    Began,
    Wire(usize, Heard),
    Event { name: &'static str, part: Option<(u32, u32)>, size: Option<usize>, text: String },
    Paused,
    Resumed(Duration),
    Ended { how: EndKind, error: Option<String> },
}

/// The longest text that is kept of an event that is no delta, in bytes.
const TEXT: usize = 1 << 10;

impl Timeline {
    /// A timeline whose notes take so many bytes of memory. The call begins now.
    pub(super) fn begin(now: Instant, bound: usize) -> Self {
        let timeline = Timeline(Mutex::new(State { bound, ..State::default() }));
        timeline.note(now, What::Began);
        timeline
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, at: Instant, what: What) {
        let mut state = self.lock();
        let note = Note { at, what };
        state.bytes += note.size();
        state.notes.push_back(note);
    }

    /// Notes an event. `secrets` are asked for when old notes have to go.
    pub(super) fn event(
        &self,
        at: Instant,
        event: &Event,
        scrub: &Scrub,
        secrets: impl FnOnce() -> Vec<String>,
    ) {
        let (size, text) = match event.delta() {
            Some(delta) => (Some(delta.len()), delta.to_owned()),
            None => (None, describe(event)),
        };
        self.note(at, What::Event { name: event.name(), part: event.part(), size, text });
        let mut state = self.lock();
        if state.bytes > state.bound {
            state.shrink(scrub, &secrets());
        }
    }

    /// Notes a pause or its end since the last look.
    pub(super) fn look(&self, at: Instant, paused: bool, spent: Duration) {
        let mut state = self.lock();
        let was = std::mem::replace(&mut state.paused, paused);
        let new = spent.saturating_sub(state.spent);
        if !paused {
            state.spent = spent;
        }
        drop(state);
        if paused && !was {
            // It began before this look.
            self.note(Instant::from_origin(at.since_origin().saturating_sub(new)), What::Paused);
        } else if !paused && !new.is_zero() {
            self.note(at, What::Resumed(new));
        }
    }

    /// Notes the end.
    pub(super) fn end(&self, at: Instant, end: End<'_>) {
        let error = match end {
            End::Truncated(error) | End::Failed(error) => Some(error.to_string()),
            End::Finished | End::Cancelled => None,
        };
        self.note(at, What::Ended { how: end.kind(), error });
    }

    /// All notes without secrets, and how many had to go.
    pub(super) fn notes(&self, scrub: &Scrub, secrets: &[String]) -> (Vec<Note>, usize) {
        let state = self.lock();
        let mut notes: Vec<Note> = state.notes.iter().cloned().collect();
        let dropped = state.dropped;
        drop(state);
        conceal(notes.iter_mut(), scrub, secrets);
        (notes, dropped)
    }
}

impl Listener for Timeline {
    fn heard(&self, now: Instant, exchange: usize, what: Heard) {
        self.note(now, What::Wire(exchange, what));
    }
}

impl State {
    /// Lets the oldest notes go, a quarter of the bound at a time: each time all are searched for secrets before, so
    /// that none is cut in two.
    fn shrink(&mut self, scrub: &Scrub, secrets: &[String]) {
        conceal(self.notes.iter_mut(), scrub, secrets);
        self.bytes = self.notes.iter().map(Note::size).sum();
        while self.bytes > self.bound / 4 * 3 {
            let Some(note) = self.notes.pop_front() else { break };
            self.bytes -= note.size();
            self.dropped += 1;
        }
    }
}

impl Note {
    fn size(&self) -> usize {
        let text = match &self.what {
            What::Event { text, .. } => text.len(),
            What::Ended { error, .. } => error.as_ref().map_or(0, String::len),
            _ => 0,
        };
        size_of::<Note>() + text
    }
}

/// Takes secrets out of the texts: the deltas of one part are one text.
fn conceal<'a>(notes: impl Iterator<Item = &'a mut Note>, scrub: &Scrub, secrets: &[String]) {
    let mut parts: BTreeMap<(u32, u32), Vec<&mut String>> = BTreeMap::new();
    let mut alone = Vec::new();
    for note in notes {
        match &mut note.what {
            What::Event { part: Some(part), size: Some(_), text, .. } => {
                parts.entry(*part).or_default().push(text)
            }
            What::Event { text, .. } | What::Ended { error: Some(text), .. } => alone.push(vec![text]),
            _ => {}
        }
    }
    for texts in parts.into_values().chain(alone) {
        let mut pieces: Vec<Bytes> =
            texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
        scrub.conceal(&mut pieces, secrets);
        for (text, piece) in texts.into_iter().zip(pieces) {
            *text = String::from_utf8_lossy(&piece).into_owned();
        }
    }
}

/// The fields of an event that is no delta; nothing of what may be large.
fn describe(event: &Event) -> String {
    let small = matches!(
        event,
        Event::Start { .. }
            | Event::ToolStart { .. }
            | Event::Usage(_)
            | Event::Notice(_)
            | Event::Finish { .. }
    );
    let Some(Value::Object(mut fields)) = small.then(|| serde_json::to_value(event).ok()).flatten() else {
        return String::new();
    };
    fields.retain(|name, value| !(value.is_null() || ["type", "choice", "part"].contains(&name.as_str())));
    if fields.is_empty() {
        return String::new();
    }
    let mut text = Value::Object(fields).to_string();
    text.truncate(text.floor_char_boundary(TEXT));
    text
}
