//! What a breaker sees of a stream.

use belvedere_core::event::Event;
use belvedere_core::events::{Closing, End, Observer};

use super::permit::Permit;

/// Tells the end of a stream by the permit of its call.
pub(super) struct Guard {
    permit: Permit,
    is_begun: bool,
    is_finished: bool,
}

impl Guard {
    pub(super) fn new(permit: Permit) -> Self {
        Guard { permit, is_begun: false, is_finished: false }
    }
}

impl Observer for Guard {
    #[inline]
    fn event(&mut self, event: &Event) {
        if !self.is_begun && event.is_content() {
            self.is_begun = true;
            self.permit.begun();
        }
        self.is_finished |= matches!(event, Event::Finish { .. });
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        match end {
            End::Failed(error) | End::Truncated(error) => self.permit.failed(error),
            End::Finished => self.permit.answered(),
            // Who stops reading at the `Finish` has had the whole answer.
            End::Cancelled if self.is_finished => self.permit.answered(),
            End::Cancelled => {}
        }
        Closing::Done
    }
}
