//! A counter that remembers.

use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use belvedere_core::message::Media;
use belvedere_core::tokens::TokenCounter;
use rustc_hash::FxHashMap;

/// Texts shorter than this are counted as fast as they are looked up.
const SHORT: usize = 32;
/// How many texts each of the two halves of the cache holds: some 200 KB in all.
const HALF: usize = 4_096;

/// Remembers what another counter counted, text by text: when a conversation has grown by a turn, only that turn is
/// counted, and the others are hashed.
///
/// Texts are known by a keyed hash of 64 bits and their length; the texts themselves are not kept. The cache is bounded to
/// 8,192 texts, those used longest ago go first. Media are counted anew each time.
///
/// ```
/// use std::sync::Arc;
/// use belvedere_core::request::Request;
/// use belvedere_core::tokens::{Estimate, TokenCounter};
/// use belvedere_middleware::tokens::Counted;
///
/// let counter = Counted::new(Arc::new(Estimate));
/// let request = Request::from("Why is the sky blue?");
/// assert_eq!(counter.request(&request), Estimate.request(&request));
/// ```
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn TokenCounter>,
    hasher: RandomState,
    known: Mutex<Known>,
}

/// What stands for a text: hash and length.
type Key = (u64, usize);

/// Two halves: what is found in the old one moves to the young one, and when that is full, it becomes the old one.
#[derive(Debug, Default)]
struct Known {
    young: FxHashMap<Key, u64>,
    old: FxHashMap<Key, u64>,
}

impl Known {
    fn get(&mut self, key: &Key) -> Option<u64> {
        if let Some(count) = self.young.get(key) {
            return Some(*count);
        }
        let count = *self.old.get(key)?;
        self.put(*key, count);
        Some(count)
    }

    fn put(&mut self, key: Key, count: u64) {
        if self.young.len() >= HALF {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, count);
    }
}

impl Counted {
    /// Remembers the counts of this counter.
    pub fn new(inner: Arc<dyn TokenCounter>) -> Self {
        Counted { inner, hasher: RandomState::new(), known: Mutex::default() }
    }
}

impl TokenCounter for Counted {
    fn text(&self, text: &str) -> u64 {
        if text.len() < SHORT {
            return self.inner.text(text);
        }
        let key = (self.hasher.hash_one(text), text.len());
        // Counts are whole or absent, so what a panic left behind is sound.
        if let Some(count) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return count;
        }
        // Without the lock: a long text takes a while.
        let count = self.inner.text(text);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).put(key, count);
        count
    }

    fn media(&self, media: &Media) -> u64 {
        self.inner.media(media)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use belvedere_core::message::Message;
    use belvedere_core::request::Request;

    use super::*;

    /// Counts bytes, and how often it was asked.
    #[derive(Debug, Default)]
    struct Asked(AtomicU64);

    impl TokenCounter for Asked {
        fn text(&self, text: &str) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed);
            text.len() as u64
        }
    }

    fn turns(count: usize) -> Request {
        Request::new((0..count).map(|turn| Message::user(format!("{turn:0200}"))).collect::<Vec<_>>())
    }

    #[test]
    fn a_new_turn_is_the_only_one_that_is_counted() {
        let asked = Arc::new(Asked::default());
        let counter = Counted::new(asked.clone());
        let first = counter.request(&turns(200));
        assert_eq!(asked.0.load(Ordering::Relaxed), 200);
        assert_eq!(counter.request(&turns(201)), first + 203);
        assert_eq!(asked.0.load(Ordering::Relaxed), 201);
        assert_eq!(first, Asked::default().request(&turns(200)));
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let asked = Arc::new(Asked::default());
        let counter = Counted::new(asked.clone());
        let text = |turn: usize| format!("{turn:0100}");
        counter.text(&text(0));
        for turn in 1..4 * HALF {
            counter.text(&text(turn));
            if turn % 1_000 == 0 {
                counter.text(&text(0));
            }
        }
        assert_eq!(asked.0.load(Ordering::Relaxed), 4 * HALF as u64, "the first was kept all along");
        let known = counter.known.lock().unwrap();
        assert!(known.young.len() <= HALF && known.old.len() <= HALF);
    }

    #[test]
    fn short_texts_go_straight_to_the_counter() {
        let counter = Counted::new(Arc::new(Asked::default()));
        assert_eq!((counter.text("four"), counter.text("")), (4, 0));
        assert!(counter.known.lock().unwrap().young.is_empty());
    }
}
