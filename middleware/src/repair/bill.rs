//! The usage of all attempts together.

use std::sync::Arc;

use belvedere_core::completion::Completion;
use belvedere_core::event::{Event, Notice};
use belvedere_core::usage::Usage;

/// Adds up what the attempts used.
#[derive(Debug, Default)]
pub(super) struct Bill {
    /// What the attempts before this one used, as far as they told.
    earlier: Option<Usage>,
    /// What this one told.
    current: Option<Arc<Usage>>,
    /// Whether this one has begun to answer.
    live: bool,
    /// How many broke before they told their usage and are not spoken of yet.
    untold: u32,
}

impl Bill {
    /// A bill that begins with what an earlier call used of which this was handed out.
    pub(super) fn after(partial: &Completion) -> Self {
        let earlier = partial.usage.as_deref().cloned();
        let is_untold = earlier.is_none() && *partial != Completion::default();
        Bill { earlier, untold: u32::from(is_untold), ..Bill::default() }
    }

    /// An attempt begins to answer.
    pub(super) fn open(&mut self) {
        self.live = true;
    }

    /// The attempt is over, and another may follow.
    pub(super) fn close(&mut self) {
        match (self.current.take(), &mut self.earlier) {
            (Some(usage), Some(earlier)) => earlier.add(&usage),
            (Some(usage), None) => self.earlier = Some(Arc::unwrap_or_clone(usage)),
            (None, _) => self.untold += u32::from(self.live),
        }
        self.live = false;
    }

    /// Takes note of what this attempt used so far, and gives the sum of all.
    pub(super) fn note(&mut self, usage: Arc<Usage>) -> Arc<Usage> {
        self.current = Some(usage.clone());
        self.total().unwrap_or(usage)
    }

    /// The sum of all attempts, as far as they told.
    pub(super) fn total(&self) -> Option<Arc<Usage>> {
        match (&self.earlier, &self.current) {
            (None, current) => current.clone(),
            (Some(earlier), None) => Some(Arc::new(earlier.clone())),
            (Some(earlier), Some(current)) => {
                let mut sum = earlier.clone();
                sum.add(current);
                Some(Arc::new(sum))
            }
        }
    }

    /// The sum, when this attempt ends without a word of its own usage.
    pub(super) fn owed(&self) -> Option<Arc<Usage>> {
        self.total().filter(|_| self.current.is_none())
    }

    /// Says that the sum lacks an attempt, until that is [`told`](Bill::told).
    pub(super) fn notices(&self) -> Vec<Event> {
        if self.untold == 0 {
            return Vec::new();
        }
        let message = "the usage of a broken attempt is unknown; the sum is without it".to_owned();
        vec![Event::Notice(Notice::Layer { layer: "repair".into(), message })]
    }

    /// The notice was handed out. An attempt that it stood in front of may have come to nothing before that.
    pub(super) fn told(&mut self) {
        self.untold = 0;
    }
}
