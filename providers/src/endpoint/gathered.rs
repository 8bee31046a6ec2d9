//! Answers that a wire only has as a whole, though they come event by event.

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use bytes::{Bytes, BytesMut};

/// Gathers the events and writes the whole answer, or the error, at the end.
pub(crate) struct Gathered<W, E> {
    fold: Fold,
    whole: W,
    error: E,
}

impl<W, E> Gathered<W, E>
where
    W: Fn(&Completion) -> Bytes + Send + 'static,
    E: Fn(&Error) -> Bytes + Send + 'static,
{
    /// `whole` and `error` write the bodies.
    pub(crate) fn boxed(whole: W, error: E) -> Box<dyn Encoder> {
        Box::new(Gathered { fold: Fold::default(), whole, error })
    }
}

impl<W, E> Encoder for Gathered<W, E>
where
    W: Fn(&Completion) -> Bytes + Send,
    E: Fn(&Error) -> Bytes + Send,
{
    fn event(&mut self, event: &Event, _: &mut BytesMut) {
        self.fold.event(event);
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        let body = match error {
            None => (self.whole)(self.fold.completion()),
            Some(error) => (self.error)(error),
        };
        out.extend_from_slice(&body);
    }
}
