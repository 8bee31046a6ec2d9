//! Keys that are put in order when somebody asks for them in order.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// Keys, in order once they are asked for. A ledger writes an entry a call and walks through its entries hardly ever: so
/// a new key costs a push, and whoever walks pays for the order of those that came since.
#[derive(Default)]
pub(super) struct Order {
    sorted: BTreeSet<Arc<str>>,
    fresh: Vec<Arc<str>>,
}

impl Order {
    /// Adds a key. It may be there already.
    pub(super) fn push(&mut self, key: Arc<str>) {
        self.fresh.push(key);
    }

    /// How many keys are held; one that was added twice may count twice.
    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }

    /// Forgets the keys that `keep` does not want.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.sorted.retain(|key| keep(key));
        self.fresh.retain(|key| keep(key));
        // A key that comes and goes again and again is held once.
        self.sort();
    }

    /// The keys that begin with `prefix`, after `after`, each once and in order.
    pub(super) fn range<'a>(
        &'a mut self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<str>> {
        self.sort();
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.sorted.range::<str, _>((from, Bound::Unbounded)).take_while(move |key| key.starts_with(prefix))
    }

    fn sort(&mut self) {
        self.sorted.extend(self.fresh.drain(..));
    }
}
