//! Law W1 over recorded streams, for two cuts at a time: `splits INDEX.jsonl [--full-up-to BYTES] [--window BYTES]`.
//!
//! For each stream it takes the framer's state and frames at every byte as the truth, byte by byte. Then, for each
//! pair of cuts (i, j), the middle piece is fed as one chunk to the state at i: it must give the same frames, and
//! leave the same state as at j. The first piece (0, i) is such a middle piece, and so is the last (j, end), so this
//! is every way to cut the stream in three. Decoders see frames only, so equal frames are equal events.
//!
//! Streams longer than `--full-up-to` (default 24 KiB) are cut with at most `--window` bytes (default 4 KiB)
//! between the two cuts: all pairs of a stream of n bytes cost n^3 / 6 bytes of work.

use std::io::Write;
use std::path::Path;

use belvedere::framing::Framer;
use belvedere::wire::Framing;
use serde_json::Value;

const LIMIT: usize = 16 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut index, mut full, mut window) = (None, 24 << 10, 4 << 10);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--full-up-to" => full = args.next().ok_or("--full-up-to needs a number")?.parse()?,
            "--window" => window = args.next().ok_or("--window needs a number")?.parse()?,
            _ => index = Some(arg),
        }
    }
    let index = index.ok_or("usage: splits INDEX.jsonl [--full-up-to BYTES] [--window BYTES]")?;
    let folder = Path::new(&index).parent().unwrap_or(Path::new("."));
    let mut streams = Vec::new();
    for line in std::fs::read_to_string(&index)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let raw = row.get("raw").and_then(Value::as_str).unwrap_or_default();
        if raw.ends_with(".sse") {
            streams.push((raw.to_owned(), std::fs::read(folder.join(raw))?));
        }
    }
    streams.sort_by_key(|(_, body)| body.len());
    let (mut pairs, mut whole) = (0u64, 0usize);
    for (done, (name, body)) in streams.iter().enumerate() {
        let reach = if body.len() <= full { body.len() } else { window };
        pairs += all_pairs(body, reach).map_err(|fault| format!("{name}: {fault}"))?;
        whole += usize::from(reach == body.len());
        eprint!("\r{} of {} streams, {pairs} pairs", done + 1, streams.len());
        std::io::stderr().flush()?;
    }
    eprintln!();
    println!(
        "{pairs} pairs of cuts over {} streams ({whole} with every pair, the rest with every pair at most {window} \
         bytes apart): frames and state equal in all",
        streams.len()
    );
    Ok(())
}

/// The framer's state before each byte, and at the end, and how many frames were given until then.
struct Truth {
    states: Vec<Framer>,
    given: Vec<usize>,
    frames: Vec<(Option<String>, Vec<u8>)>,
}

impl Truth {
    fn of(body: &[u8]) -> Result<Truth, String> {
        let mut framer = Framer::new(Framing::Sse, LIMIT);
        let mut truth = Truth { states: vec![framer.clone()], given: vec![0], frames: Vec::new() };
        for byte in body {
            let frames = &mut truth.frames;
            let fed = framer.feed(std::slice::from_ref(byte), &mut |frame| {
                frames.push((frame.name.map(str::to_owned), frame.data.to_vec()));
                Ok(())
            });
            fed.map_err(|e| e.to_string())?;
            truth.states.push(framer.clone());
            truth.given.push(truth.frames.len());
        }
        Ok(truth)
    }

    /// Feeds the bytes from `i` to `j` as one piece.
    fn check(&self, body: &[u8], i: usize, j: usize) -> Option<()> {
        let mut framer = self.states.get(i)?.clone();
        let mut expected = self.frames.get(*self.given.get(i)?..*self.given.get(j)?)?.iter();
        let mut same = true;
        let fed = framer.feed(body.get(i..j)?, &mut |frame| {
            let next = expected.next();
            same &= next.is_some_and(|(name, data)| name.as_deref() == frame.name && data == frame.data);
            Ok(())
        });
        (fed.is_ok() && same && expected.next().is_none() && framer == *self.states.get(j)?).then_some(())
    }
}

fn all_pairs(body: &[u8], reach: usize) -> Result<u64, String> {
    let truth = Truth::of(body)?;
    let mut pairs = 0;
    for i in 0..=body.len() {
        for j in i..=body.len().min(i + reach) {
            truth.check(body, i, j).ok_or_else(|| format!("cut at {i} and {j} gives other frames or state"))?;
            pairs += 1;
        }
        // A piece that reaches to an end of the stream is a single cut; it is always tried.
        truth.check(body, 0, i).ok_or_else(|| format!("cut at {i} gives other frames or state"))?;
        truth.check(body, i, body.len()).ok_or_else(|| format!("cut at {i} gives other frames or state"))?;
    }
    Ok(pairs)
}
