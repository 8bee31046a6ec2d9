//! Entries as they are written.

use std::io::Write;

use bytes::Bytes;
use serde::Serialize;

use super::line::Line;

/// What is written of a call that is settled, but for what had been reserved: that is known when it is written.
pub(super) struct Settled {
    /// What the budget is charged.
    pub(super) spent: i64,
    /// The JSON of the entry from its second field on.
    rest: Vec<u8>,
}

/// How long the first field of an entry is at most, and the two after it.
const HEAD: usize = 48;
/// How long a line is, or somewhat less.
const LINE: usize = 256;

impl Settled {
    pub(super) fn new(spent: i64, lines: &[Line]) -> Self {
        #[derive(Serialize)]
        struct Rest<'a> {
            settled: i64,
            until: u64,
            #[serde(skip_serializing_if = "<[Line]>::is_empty")]
            lines: &'a [Line],
        }
        let mut rest = Vec::with_capacity(HEAD + lines.len() * LINE);
        // Numbers, names and classes: there is nothing in it that JSON could not say.
        let _ = serde_json::to_writer(&mut rest, &Rest { settled: spent, until: 0, lines });
        Settled { spent, rest }
    }

    /// The whole entry, of an amount that had been reserved.
    pub(super) fn entry(&self, reserved: i64) -> Bytes {
        let mut entry = Vec::with_capacity(self.rest.len() + HEAD);
        // Writing to memory does not fail.
        let _ = write!(entry, "{{\"reserved\":{reserved},");
        entry.extend_from_slice(self.rest.strip_prefix(b"{").unwrap_or_default());
        entry.into()
    }
}

/// The entry of a call that runs.
pub(super) fn open(reserved: i64, until: u64) -> Bytes {
    format!("{{\"reserved\":{reserved},\"until\":{until}}}").into()
}

#[cfg(test)]
mod tests {
    use super::super::line::Entry;
    use super::*;

    #[test]
    fn what_is_written_reads_as_an_entry() {
        let read = |written: Bytes| serde_json::from_slice::<Entry>(&written).unwrap();
        assert_eq!(read(open(7, 9)), Entry { reserved: 7, until: 9, ..Entry::default() });
        let lines = vec![Line::unasked()];
        let settled = Settled::new(5, &lines).entry(7);
        assert_eq!(read(settled), Entry { reserved: 7, settled: Some(5), until: 0, lines });
        let nothing = Settled::new(0, &[]).entry(-1);
        assert_eq!(read(nothing), Entry { reserved: -1, settled: Some(0), ..Entry::default() });
    }
}
