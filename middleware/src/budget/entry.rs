//! Entries as they are written.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;

use super::line::Line;

/// What is written of a call that is settled, but for what had been reserved: that is known when it is written.
pub(super) struct Settled {
    /// What the budget is charged.
    pub(super) spent: i64,
    /// The JSON of the entry from its second field on.
    rest: String,
}

/// How long the first field of an entry is at most.
const HEAD: usize = 33;

impl Settled {
    pub(super) fn new(spent: i64, lines: &[Line]) -> Self {
        #[derive(Serialize)]
        struct Rest<'a> {
            settled: i64,
            until: u64,
            #[serde(skip_serializing_if = "<[Line]>::is_empty")]
            lines: &'a [Line],
        }
        // Numbers, names and classes: there is nothing in it that JSON could not say.
        let rest = serde_json::to_string(&Rest { settled: spent, until: 0, lines }).unwrap_or_default();
        Settled { spent, rest }
    }

    /// The whole entry, of an amount that had been reserved.
    pub(super) fn entry(&self, reserved: i64) -> Bytes {
        let rest = self.rest.strip_prefix('{').unwrap_or_default();
        let mut entry = String::with_capacity(rest.len() + HEAD);
        // Writing to memory does not fail.
        let _ = write!(entry, "{{\"reserved\":{reserved},{rest}");
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
