//! Any body as Amazon's event stream: the frames are the same for every cutting (law W1), none passes the limit, and
//! what was written is read.

#![no_main]

use belvedere_core::error::ErrorKind;
use belvedere_core::framing::Framer;
use belvedere_core::provider::{Frame, Framing};
use belvedere_fuzz::{Case, messages};
use libfuzzer_sys::fuzz_target;

type Frames = Vec<(Option<String>, Vec<u8>)>;

fn frames(limit: usize, pieces: &[&[u8]]) -> (Frames, Result<bool, ErrorKind>) {
    let mut framer = Framer::new(Framing::AwsEventStream, limit);
    let mut frames = Vec::new();
    let mut each = |frame: Frame<'_>| {
        assert!(frame.data.len() <= limit, "a frame of {} bytes", frame.data.len());
        frames.push((frame.name.map(str::to_owned), frame.data.to_vec()));
        Ok(())
    };
    let fed = pieces.iter().try_for_each(|piece| framer.feed(piece, &mut each));
    let end = fed.and_then(|()| framer.eof(&mut each)).map_err(|error| error.kind());
    assert!(matches!(end, Ok(false) | Err(ErrorKind::Malformed)), "{end:?}");
    (frames, end)
}

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let limit = if case.chooses(0) { 64 } else { 1 << 20 };
    // Damage would be found by the checksums alone: what is written here has right ones.
    let written = case.chooses(1).then(|| messages(input));
    let Some(case) = Case::of(written.as_deref().unwrap_or(input)) else { return };
    let whole = frames(limit, &[case.body]);
    assert!(written.is_none() || limit == 64 || whole.1 == Ok(false), "what was written is read");
    for pieces in case.cuttings() {
        assert_eq!(frames(limit, &pieces), whole, "the frames depend on the cuts");
    }
});
