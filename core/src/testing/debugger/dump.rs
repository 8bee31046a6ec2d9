//! A recording as text, for people.

use std::fmt;

use super::{Lane, Recording};
use crate::events::EndKind;

/// The longest text on a line, in characters.
const SHOWN: usize = 72;

/// One line for the call, one for each entry, one for each thing that was let go.
pub(super) fn write(recording: &Recording, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "call {}, {}", recording.id, recording.end.map_or("running", name))?;
    writeln!(f, "{:>12}  {:<6}  {:<12} {:>7}  text", "ms", "lane", "what", "bytes")?;
    if recording.dropped > 0 {
        writeln!(f, "{:>12}  {} earlier entries were let go", "", recording.dropped)?;
    }
    for entry in &recording.entries {
        let micros = entry.at.as_micros();
        let at = format!("{}.{:03}", micros / 1000, micros % 1000);
        let lane = match entry.lane {
            Lane::Call => "call".to_owned(),
            Lane::Event => "event".to_owned(),
            Lane::Wire(n) => format!("wire {n}"),
        };
        let size = entry.size.map(|size| size.to_string()).unwrap_or_default();
        let line = format!("{at:>12}  {lane:<6}  {:<12} {size:>7}  {}", entry.what, shortened(&entry.text));
        writeln!(f, "{}", line.trim_end())?;
    }
    recording.lost().iter().try_for_each(|sentence| writeln!(f, "{sentence}"))
}

/// The end in one word.
pub(super) fn name(end: EndKind) -> &'static str {
    match end {
        EndKind::Finished => "finished",
        EndKind::Truncated => "truncated",
        EndKind::Failed => "failed",
        EndKind::Cancelled => "cancelled",
    }
}

/// A text on one line, without its middle where it is long: beginnings and ends tell most.
fn shortened(text: &str) -> String {
    let shown = |text: &str| text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
    let count = text.chars().count();
    if count <= SHOWN {
        return shown(text);
    }
    let half = SHOWN / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{} … {}", shown(&head), shown(&tail))
}
