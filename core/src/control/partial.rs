//! The answer as far as it was handed out: written by the stream, read by anybody.
//!
//! Nearly every event is a further piece of the text that the event before it was of. Such pieces go into a tail, which
//! takes no lock to write. Who reads the answer folds the tail in first, as the stream does when it is full.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use crate::completion::{Fold, Run};
use crate::event::Event;

/// How much text may wait to be folded in, in bytes: some tens of the pieces that models send.
const TAIL: usize = 256;

type Tail = [AtomicU8; TAIL];

/// What the stream and its controllers share of the answer.
#[derive(Default)]
pub(super) struct Partial {
    folded: Mutex<Folded>,
    /// Written by the stream alone, from the beginning on, and begun again only under the lock. There once a piece
    /// went into it: a whole answer has none.
    tail: OnceLock<Box<Tail>>,
    /// How much of the tail is written.
    written: AtomicUsize,
}

#[derive(Default)]
struct Folded {
    fold: Fold,
    /// What the tail is a text of.
    run: Option<Run>,
    /// How much of the tail is folded in.
    taken: usize,
}

impl Partial {
    /// Reads the answer.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Fold) -> T) -> T {
        read(&self.settled().fold)
    }

    /// Takes the answer out, leaving nothing behind.
    fn take(&self) -> Fold {
        let mut folded = self.settled();
        self.written.store(0, Ordering::Relaxed);
        std::mem::take(&mut *folded).fold
    }

    /// Appends to the tail; false where it has no room.
    fn append(&self, text: &str) -> bool {
        let written = self.written.load(Ordering::Relaxed);
        let end = written + text.len();
        let tail = self.tail.get_or_init(|| Box::new([const { AtomicU8::new(0) }; TAIL]));
        let Some(free) = tail.get(written..end) else { return false };
        for (place, byte) in free.iter().zip(text.bytes()) {
            place.store(byte, Ordering::Relaxed);
        }
        self.written.store(end, Ordering::Release);
        true
    }

    /// Folds an event in, after the tail, which begins anew. Gives what the event is a piece of.
    fn fold(&self, event: &Event) -> Option<Run> {
        let mut folded = self.settled();
        folded.fold.event(event);
        folded.taken = 0;
        self.written.store(0, Ordering::Relaxed);
        folded.run = Run::of(event).map(|(run, _)| run);
        folded.run
    }

    /// The answer, with the tail as far as it is written.
    fn settled(&self) -> MutexGuard<'_, Folded> {
        let mut folded = super::lock(&self.folded);
        let written = self.written.load(Ordering::Acquire);
        let Some(tail) = self.tail.get() else { return folded };
        let mut text = [0; TAIL];
        let new = tail.get(folded.taken..written).unwrap_or_default();
        for (byte, place) in text.iter_mut().zip(new) {
            *byte = place.load(Ordering::Relaxed);
        }
        // The stream writes whole pieces of text, so it is text.
        let text = text.get(..new.len()).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let (Some(run), Some(text)) = (folded.run, text) {
            folded.fold.append(run, text);
        }
        folded.taken = written;
        folded
    }
}

/// The stream's own side of it.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// What the tail is a text of.
    run: Option<Run>,
}

impl Teller {
    /// Takes an event in.
    pub(super) fn event(&mut self, partial: &Partial, event: &Event) {
        let appended =
            Run::of(event).is_some_and(|(run, text)| self.run == Some(run) && partial.append(text));
        if !appended {
            self.run = partial.fold(event);
        }
    }

    /// Takes the answer out, leaving nothing behind.
    pub(super) fn take(&mut self, partial: &Partial) -> Fold {
        self.run = None;
        partial.take()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn text(part: u32, delta: &str) -> Event {
        Event::Text { choice: 0, part, delta: delta.into() }
    }

    /// Pieces of all sizes, also larger than the tail, of several parts and kinds.
    fn events() -> Vec<Event> {
        let pieces = [0, 1, 5, 250, 0, 6, 256, 257, 3, 2_000, 255, 1, 1].map(|length| "é".repeat(length));
        let reasoning = |delta: &String| Event::Reasoning { choice: 0, part: 0, delta: delta.into() };
        let thinking = pieces.iter().map(reasoning);
        let first = pieces.iter().map(|delta| text(1, delta));
        let turns = (0..20).map(|n| text(1 + n % 2, "in turns "));
        let ends = [1, 2].map(|part| Event::PartEnd { choice: 0, part });
        let all = [Event::Start { id: None, model: None }].into_iter().chain(thinking).chain(first);
        all.chain(turns).chain(ends).collect()
    }

    #[test]
    fn the_answer_is_the_fold_of_the_events_whenever_it_is_read() {
        for read_every in [1, 2, 7, usize::MAX] {
            let (partial, mut teller, mut fold) = (Partial::default(), Teller::default(), Fold::default());
            for (n, event) in events().iter().enumerate() {
                teller.event(&partial, event);
                fold.event(event);
                if n % read_every == 0 {
                    partial.read(|read| assert_eq!(format!("{read:?}"), format!("{fold:?}")));
                }
            }
            assert_eq!(&teller.take(&partial).into_completion(), fold.completion());
            partial.read(|read| assert_eq!(read.completion(), Fold::default().completion()));
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn another_thread_reads_a_beginning_of_the_text_that_only_grows() {
        const PIECES: usize = 20_000;
        let (partial, mut teller) = (Partial::default(), Teller::default());
        let whole: String = (0..PIECES).map(|n| format!("{n}é,")).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..PIECES {
                    teller.event(&partial, &text(0, &format!("{n}é,")));
                }
            });
            let mut seen = 0;
            while seen < whole.len() {
                let read = partial.read(|fold| fold.completion().text());
                assert!(whole.starts_with(&read) && read.len() >= seen, "{} after {seen}", read.len());
                assert!(read.is_empty() || read.ends_with(','), "whole pieces");
                seen = read.len();
            }
        });
    }
}
