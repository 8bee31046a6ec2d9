//! Places in recorded streams.

/// Where a stream ends after each of these texts.
pub(crate) fn ends_of(body: &[u8], end: &str) -> Vec<usize> {
    let text = String::from_utf8_lossy(body).into_owned();
    assert_eq!(text.len(), body.len(), "places in the text are places in the body");
    text.match_indices(end).map(|(at, _)| at + end.len()).collect()
}
