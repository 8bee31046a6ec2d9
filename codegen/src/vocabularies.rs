//! The vocabularies that tokens are counted with, packed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use tiktoken_rs::CoreBPE;

/// Where the files stand, below the repository's root.
const FOLDER: &str = "middleware/data";
/// As small as it gets: it is done once in years.
const LEVEL: u8 = 10;

/// Writes all files, and says how many.
///
/// # Errors
/// When one can't be made or written.
pub(crate) fn write(root: &Path) -> Result<String, String> {
    let mut bytes = 0;
    for (name, file) in files()? {
        fs::write(root.join(FOLDER).join(name), &file).map_err(|e| format!("{FOLDER}/{name}: {e}"))?;
        bytes += file.len();
    }
    Ok(format!("{FOLDER}: 2 vocabularies, {bytes} bytes"))
}

fn files() -> Result<[(&'static str, Vec<u8>); 2], String> {
    let broken = |error| format!("tiktoken-rs: {error}");
    Ok([
        ("o200k_base.deflate", pack(&tiktoken_rs::o200k_base().map_err(broken)?)?),
        ("cl100k_base.deflate", pack(&tiktoken_rs::cl100k_base().map_err(broken)?)?),
    ])
}

/// The tokens of an encoding as what each is merged from. Every token but the 256 bytes is two tokens of a lower rank,
/// by byte pair encoding (Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units",
/// 2016): so two numbers say it. First come the bytes by rank; then, for all others by rank, the ranks of their first
/// halves, and those of their second halves: each in three columns, the low bytes first. Columns are alike, so DEFLATE
/// (RFC 1951) makes more of them.
fn pack(encoder: &CoreBPE) -> Result<Vec<u8>, String> {
    let tokens: Vec<Vec<u8>> = (0..).map_while(|rank| encoder.decode_bytes(&[rank]).ok()).collect();
    let ranks: HashMap<&[u8], u32> =
        (0..).zip(&tokens).map(|(rank, token)| (token.as_slice(), rank)).collect();
    let (bytes, merged) = tokens.split_at_checked(256).ok_or("there are less tokens than bytes")?;
    let mut out = bytes.concat();
    if out.len() != 256 {
        return Err("the first tokens are not the bytes".to_owned());
    }
    let halves: Vec<(u32, u32)> = (256..)
        .zip(merged)
        .map(|(rank, token)| halves(&ranks, token, rank).ok_or(format!("token {rank} is no merge of two")))
        .collect::<Result<_, _>>()?;
    for half in [|(first, _): &(u32, u32)| *first, |(_, second): &(u32, u32)| *second] {
        for column in [0, 8, 16] {
            out.extend(halves.iter().map(|pair| (half(pair) >> column) as u8));
        }
    }
    Ok(miniz_oxide::deflate::compress_to_vec(&out, LEVEL))
}

/// The ranks of the two tokens that this one is merged from: what merging leaves of its bytes by all lower ranks.
fn halves(ranks: &HashMap<&[u8], u32>, token: &[u8], rank: u32) -> Option<(u32, u32)> {
    let mut cuts: Vec<usize> = (0..=token.len()).collect();
    while cuts.len() > 3 {
        let merges = cuts.windows(3).enumerate().filter_map(|(i, cuts)| {
            let merged = ranks.get(token.get(*cuts.first()?..*cuts.last()?)?)?;
            (*merged < rank).then_some((*merged, i + 1))
        });
        cuts.remove(merges.min()?.1);
    }
    let (first, second) = token.split_at_checked(*cuts.get(1)?)?;
    Some((*ranks.get(first)?, *ranks.get(second)?))
}
