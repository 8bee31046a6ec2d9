//! Reading responses from memory, by the code that reads them from sockets.

use belvedere_core::completion::Completion;
use belvedere_core::error::Result;
use belvedere_core::event::Event;
use belvedere_core::http::Limits;
use belvedere_core::laws::Laws;
use belvedere_core::provider::Provider;
use belvedere_core::reader::{Outcome, Reader, recorded};
use belvedere_core::request::Request;
use futures_util::FutureExt;

use crate::Case;

/// The events of a response, its frames among them, and how it ended.
///
/// # Panics
/// When the reader leaves the end open, or the events break a law of streams.
pub fn read<'a>(
    provider: &dyn Provider,
    request: &Request,
    head: &http::response::Parts,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Result<()>) {
    let mut reader = match Reader::new(provider, request, head, &Limits::default()) {
        Ok(reader) => reader.with_raw(),
        Err(error) => return (Vec::new(), Err(error)),
    };
    pieces.into_iter().for_each(|piece| reader.feed(piece));
    reader.eof();
    let events: Vec<Event> = std::iter::from_fn(|| reader.next()).collect();
    let mut laws = Laws::default();
    events.iter().try_for_each(|event| laws.event(event)).expect("the events keep the laws");
    match reader.outcome() {
        Outcome::Finished => {
            laws.finished().expect("a finished stream keeps the laws");
            (events, Ok(()))
        }
        Outcome::Failed(error) => (events, Err(error)),
        Outcome::Open => panic!("the body ended and the reader does not know it"),
    }
}

/// Asserts that a body reads the same in every cutting (law W1), that its events keep the laws, and that their fold
/// ends as they do. Gives the outcome.
///
/// # Panics
/// When one of these does not hold.
pub fn assert_laws(
    provider: &dyn Provider,
    request: &Request,
    head: &http::response::Parts,
    case: &Case<'_>,
) -> Result<()> {
    let (events, end) = read(provider, request, head, [case.body]);
    let shown = end.as_ref().map_err(|error| format!("{error}"));
    for pieces in case.cuttings() {
        let (cut_events, cut_end) = read(provider, request, head, pieces);
        assert_eq!(cut_events, events, "the events depend on the cuts");
        assert_eq!(
            cut_end.as_ref().map_err(|error| format!("{error}")),
            shown,
            "the end depends on the cuts"
        );
    }
    let fold = recorded(provider, request, head, [case.body]).collect().now_or_never();
    let fold: Result<Completion> = fold.expect("what is in memory does not wait");
    assert_eq!(fold.is_ok(), end.is_ok(), "the fold ends as the events do");
    end
}
