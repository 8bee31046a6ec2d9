//! Recorded requests, and how many of them are written as they were recorded.

use serde_json::Value;

/// What was compared so far.
#[derive(Debug, Default)]
pub(crate) struct Reproduced {
    same: usize,
    differences: Vec<String>,
}

impl Reproduced {
    /// Compares a request as it is written with what was recorded; true when they are the same.
    pub(crate) fn compare(&mut self, id: &str, ours: &Value, theirs: &Value) -> bool {
        match ours == theirs {
            true => self.same += 1,
            false => self.differences.push(format!("{id}:\n  ours   {ours}\n  theirs {theirs}")),
        }
        ours == theirs
    }

    /// Asserts that at least this share of them is the same, in percent.
    pub(crate) fn assert(&self, percent: usize) {
        let (same, all) = (self.same, self.same + self.differences.len());
        let differences = self.differences.join("\n");
        println!("{same} of {all} recorded requests are reproduced\n{differences}");
        assert!(same * 100 >= all * percent, "{same} of {all}:\n{differences}");
    }
}
