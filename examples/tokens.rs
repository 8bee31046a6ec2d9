//! Counts tokens: reads rows of JSON, `{id, text}`, one a line, and writes `{id, tokens}` for each.
//!
//! ```text
//! tokens --encoding o200k_base|cl100k_base [FILE]       exact; without a file: standard input
//! tokens --model NAME [FILE]                            exact where the model's vocabulary is public, else estimated
//! ```
//!
//! An error names the line and the field.

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use belvedere::middleware::tokens::{Encoding, Tiktoken, counter};
use belvedere::tokens::TokenCounter;
use serde_json::{Map, Value, json};

const USAGE: &str = "usage: tokens --encoding o200k_base|cl100k_base | --model NAME [FILE]";

fn main() {
    if let Err(error) = run(std::env::args().skip(1)) {
        eprintln!("tokens: {error}");
        std::process::exit(2);
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (mut counting, mut file) = (None, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--encoding" => counting = Some(by_encoding(&args.next().ok_or(USAGE)?)?),
            "--model" => counting = Some(counter(&args.next().ok_or(USAGE)?)),
            other if other.starts_with("--") => return Err(format!("unknown option {other}\n{USAGE}").into()),
            _ => file = Some(arg),
        }
    }
    let counting = counting.ok_or(USAGE)?;
    let input: Box<dyn Read> = match file.as_deref() {
        None | Some("-") => Box::new(std::io::stdin()),
        Some(file) => Box::new(std::fs::File::open(file).map_err(|e| format!("{file}: {e}"))?),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, line) in BufReader::new(input).lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            let row =
                row(&line, counting.as_ref()).map_err(|fault| format!("line {}: {fault}", number + 1))?;
            writeln!(out, "{row}")?;
        }
    }
    Ok(out.flush()?)
}

fn by_encoding(name: &str) -> Result<Arc<dyn TokenCounter>, String> {
    let encoding = Encoding::named(name).ok_or_else(|| format!("--encoding: {name} is none\n{USAGE}"))?;
    Ok(Arc::new(Tiktoken::new(encoding)))
}

fn row(line: &str, counting: &dyn TokenCounter) -> Result<Value, String> {
    let row: Map<String, Value> = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let id = row.get("id").ok_or("id: it is missing")?;
    let text = row.get("text").and_then(Value::as_str).ok_or("text: a text is needed")?;
    Ok(json!({ "id": id, "tokens": counting.text(text) }))
}
