//! Law W1 over recorded streams, for two cuts at a time: `splits INDEX.jsonl [--full-up-to BYTES] [--window BYTES]`.
//!
//! For each pair of cuts (i, j) the piece in the middle is fed to the framer's state at i; see
//! `belvedere_tests::Truth`. The first piece (0, i) is such a piece, and so is the last (j, end), so this is every
//! way to cut the stream in three.
//!
//! Streams longer than `--full-up-to` (default 24 KiB) are cut with at most `--window` bytes (default 4 KiB)
//! between the two cuts: all pairs of a stream of n bytes cost n^3 / 6 bytes of work.

use std::io::Write;
use std::path::Path;

use belvedere::wire::Framing;
use belvedere_tests::{Recording, Truth};

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
    let mut streams = Recording::listed(Path::new(&index))?;
    streams.sort_by_key(|stream| stream.body.len());
    let (mut pairs, mut whole) = (0u64, 0usize);
    for (done, Recording { name, framing, body, .. }) in streams.iter().enumerate() {
        let reach = if body.len() <= full { body.len() } else { window };
        pairs += all_pairs(*framing, body, reach).map_err(|fault| format!("{name}: {fault}"))?;
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

fn all_pairs(framing: Framing, body: &[u8], reach: usize) -> Result<u64, String> {
    let truth = Truth::of(framing, body)?;
    let mut pairs = 0;
    for i in 0..=body.len() {
        for j in i..=body.len().min(i + reach) {
            truth.check(i, j)?;
            pairs += 1;
        }
    }
    // A piece that reaches to an end of the stream is a single cut; it is always tried.
    truth.check_every_cut(body.len())?;
    Ok(pairs)
}
