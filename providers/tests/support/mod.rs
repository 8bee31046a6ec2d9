//! What the tests of a wire share: reading a response from memory, and holding it to the stream laws.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use belvedere_core::http::Limits;
use belvedere_core::laws::Laws;
use belvedere_core::provider::Provider;
use belvedere_core::reader::{Outcome, Reader};
use belvedere_core::request::Request;

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) events: Vec<Event>,
    pub(crate) error: Option<Error>,
}

impl Read {
    /// Reads a body that comes in these pieces. The events are held to the stream laws.
    pub(crate) fn new<'a>(
        provider: &dyn Provider,
        request: &Request,
        head: &http::response::Parts,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut reader = Reader::new(provider, request, head, &Limits::default()).unwrap();
        pieces.into_iter().for_each(|piece| reader.feed(piece));
        reader.eof();
        let events: Vec<Event> = std::iter::from_fn(|| reader.next()).collect();
        let error = match reader.outcome() {
            Outcome::Failed(error) => Some(error),
            Outcome::Finished => None,
            other => panic!("a body that ended is read to its end, not {other:?}"),
        };
        let mut laws = Laws::default();
        let verdict = events.iter().try_for_each(|event| laws.event(event));
        let verdict = verdict.and_then(|()| if error.is_none() { laws.finished() } else { Ok(()) });
        assert_eq!(verdict, Ok(()), "{events:#?}");
        Read { events, error }
    }

    /// The answer, as far as it came.
    pub(crate) fn completion(&self) -> Completion {
        let mut fold = Fold::default();
        self.events.iter().for_each(|event| fold.event(event));
        fold.into_completion()
    }

    /// What a cutting of the body must not change.
    pub(crate) fn essence(&self) -> (&[Event], Option<String>) {
        (&self.events, self.error.as_ref().map(|e| format!("{e:?}")))
    }
}

/// The head of a response.
pub(crate) fn head<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> http::response::Parts {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(()).unwrap().into_parts().0
}
