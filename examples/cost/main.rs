//! What recorded usages cost: reads rows of JSON, one a line, and writes what each costs in US dollars.
//!
//! ```text
//! cost [FILE]        without a file: standard input
//! ```
//!
//! A row is `{id, provider, model, usage}`: `usage` is the provider's own object, `api_flavor` is `chat` or `responses`
//! where a provider has several wires. Prices in the row, `prices_usd_per_mtok`, go before those of the shipped table. A
//! line of the answer is `{id, usd, known}`; `usd` is exact, and null where a price is not known.
//!
//! An error names the line and the field.

mod row;

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use row::Row;
use serde_json::json;

fn main() {
    if let Err(error) = run(std::env::args().nth(1)) {
        eprintln!("cost: {error}");
        std::process::exit(2);
    }
}

fn run(file: Option<String>) -> Result<(), Box<dyn Error>> {
    let input: Box<dyn Read> = match file.as_deref() {
        None | Some("-") => Box::new(std::io::stdin()),
        Some(file) => Box::new(std::fs::File::open(file).map_err(|e| format!("{file}: {e}"))?),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, line) in BufReader::new(input).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row = Row::read(&line).map_err(|fault| format!("line {}: {fault}", number + 1))?;
        let usd = row.usd().map_err(|fault| format!("line {}: {fault}", number + 1))?;
        writeln!(out, "{}", json!({ "id": row.id, "known": usd.is_some(), "usd": usd }))?;
    }
    Ok(out.flush()?)
}
