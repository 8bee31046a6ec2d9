//! Recorded streams, cut.

use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::provider::Provider;

use crate::corpus::Row;

/// Asserts that a stream reads the same however its bytes are cut.
pub(crate) fn assert_same_however_cut(row: &Row, provider: &dyn Provider) {
    let whole = row.read(provider, &[&row.body]);
    let bytes: Vec<&[u8]> = row.body.chunks(1).collect();
    assert_eq!(row.read(provider, &bytes).essence(), whole.essence(), "{}: byte by byte", row.id());
    // Every single cut up to 2 KiB; beyond, where the work grows with the square, an even sample of them.
    let step = row.body.len().div_ceil(2048).max(1).pow(2);
    for cut in (0..=row.body.len()).step_by(step) {
        let (one, two) = row.body.split_at(cut);
        assert_eq!(row.read(provider, &[one, two]).essence(), whole.essence(), "{}: cut at {cut}", row.id());
    }
}

/// Asserts that what is cut off before the terminal signal is Truncated, and that what was received is a prefix of
/// the whole that does not finish.
pub(crate) fn assert_truncated_at(row: &Row, provider: &dyn Provider, ends: impl IntoIterator<Item = usize>) {
    let whole = row.read(provider, &[&row.body]);
    for at in ends {
        let read = row.read(provider, &[&row.body[..at]]);
        let kind = read.error.as_ref().map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Truncated), "{} {at}", row.id());
        assert_eq!(read.events, whole.events[..read.events.len()], "{} {at}", row.id());
        let is_end = |event: &Event| matches!(event, Event::Finish { .. });
        assert!(!read.events.iter().any(is_end), "{} {at}", row.id());
    }
}
