//! Any body, any framing: the frames are the same for every cutting (law W1), and none passes the limit.

#![no_main]

use belvedere_core::error::ErrorKind;
use belvedere_core::framing::Framer;
use belvedere_core::provider::Framing;
use belvedere_fuzz::Case;
use libfuzzer_sys::fuzz_target;

const FRAMINGS: [Framing; 4] = [Framing::Sse, Framing::Lines, Framing::Json, Framing::JsonArray];

type Frames = Vec<(Option<String>, Vec<u8>)>;

fn frames(mut framer: Framer, limit: usize, pieces: &[&[u8]]) -> (Frames, Result<bool, ErrorKind>) {
    let mut frames = Vec::new();
    let mut each = |frame: belvedere_core::provider::Frame<'_>| {
        assert!(frame.data.len() <= limit, "a frame of {} bytes", frame.data.len());
        frames.push((frame.name.map(str::to_owned), frame.data.to_vec()));
        Ok(())
    };
    let fed = pieces.iter().try_for_each(|piece| framer.feed(piece, &mut each));
    let end = fed.and_then(|()| framer.eof(&mut each)).map_err(|error| error.kind());
    assert!(matches!(end, Ok(_) | Err(ErrorKind::Malformed)), "{end:?}");
    (frames, end)
}

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let framing = FRAMINGS[usize::from(case.choice) % FRAMINGS.len()];
    let limit = if case.chooses(2) { 64 } else { 1 << 20 };
    let framer = || match case.chooses(3) {
        true => Framer::new(framing, limit).strict(),
        false => Framer::new(framing, limit),
    };
    let whole = frames(framer(), limit, &[case.body]);
    for pieces in case.cuttings() {
        assert_eq!(frames(framer(), limit, &pieces), whole, "the frames depend on the cuts");
    }
});
