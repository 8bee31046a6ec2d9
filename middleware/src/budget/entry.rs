//! Entries as they are written.

use belvedere_core::usage::Class;
use bytes::Bytes;
use serde::Serialize;

use super::line::{Line, Why};

/// What is written of a call that is settled, but for what had been reserved: that is known when it is written.
pub(super) struct Settled {
    /// What the budget is charged.
    pub(super) spent: i64,
    lines: Vec<Line>,
}

/// How long the figures of an entry are at most.
const HEAD: usize = 96;
/// How long a line is, or somewhat less.
const LINE: usize = 256;

impl Settled {
    pub(super) fn new(spent: i64, lines: Vec<Line>) -> Self {
        Settled { spent, lines }
    }

    /// The whole entry, of an amount that had been reserved.
    pub(super) fn entry(&self, reserved: i64) -> Bytes {
        let mut json = Json(Vec::with_capacity(HEAD + self.lines.len() * LINE));
        json.number("{\"reserved\":", reserved);
        json.number(",\"settled\":", self.spent);
        json.raw(",\"until\":0");
        let mut open = ",\"lines\":[";
        for line in &self.lines {
            json.raw(open);
            json.line(line);
            open = ",";
        }
        json.raw(if self.lines.is_empty() { "}" } else { "]}" });
        json.finish()
    }
}

/// The entry of a call that runs.
pub(super) fn open(reserved: i64, until: u64) -> Bytes {
    let mut json = Json(Vec::with_capacity(HEAD));
    json.number("{\"reserved\":", reserved);
    json.number(",\"until\":", until);
    json.raw("}");
    json.finish()
}

/// JSON that is put together. Each call writes an entry: it is written as its reader takes it, at a quarter of what its
/// `Serialize` costs.
struct Json(Vec<u8>);

impl Json {
    /// What was put together, in no more memory than it takes: it may stay for long.
    fn finish(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// What stands before a number, and the number.
    fn number(&mut self, before: &str, number: impl Serialize) {
        self.raw(before);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut self.0, &number);
    }

    /// What stands before a text, and the text. Names of providers and models have hardly ever a sign to escape.
    fn text(&mut self, before: &str, text: &str) {
        self.raw(before);
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            let _ = serde_json::to_writer(&mut self.0, text);
            return;
        }
        self.plain(text);
    }

    /// A text without a sign to escape.
    fn plain(&mut self, text: &str) {
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    fn line(&mut self, line: &Line) {
        let Line { why, attempt, provider, model, target, usage, cost, charged, estimated } = line;
        self.raw(match why {
            Why::Answer => "{\"why\":\"answer\"",
            Why::Failed => "{\"why\":\"failed\"",
            Why::Lost => "{\"why\":\"lost\"",
            Why::Cancelled => "{\"why\":\"cancelled\"",
            Why::Unasked => "{\"why\":\"unasked\"",
        });
        self.number(",\"attempt\":", attempt);
        if !provider.is_empty() {
            self.text(",\"provider\":", provider);
        }
        for (before, name) in [(",\"model\":", model), (",\"target\":", target)] {
            if let Some(name) = name {
                self.text(before, name);
            }
        }
        let mut open = ",\"usage\":{";
        for (class, count) in &usage.classes {
            match class {
                Class::Other(name) => self.text(open, name),
                known => {
                    self.raw(open);
                    self.plain(known.name());
                }
            }
            self.number(":", count);
            open = ",";
        }
        if !usage.classes.is_empty() {
            self.raw("}");
        }
        match cost {
            Some(cost) => self.number(",\"cost\":", cost),
            None => self.raw(",\"cost\":null"),
        }
        self.number(",\"charged\":", charged);
        self.raw(if *estimated { ",\"estimated\":true}" } else { ",\"estimated\":false}" });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use belvedere_core::usage::{Money, Usage};
    use proptest::prelude::*;

    use super::super::line::Entry;
    use super::*;

    #[test]
    fn what_is_written_reads_as_an_entry() {
        let read = |written: Bytes| serde_json::from_slice::<Entry>(&written).unwrap();
        assert_eq!(read(open(7, 9)), Entry { reserved: 7, until: 9, ..Entry::default() });
        let lines = vec![Line::unasked()];
        let settled = Settled::new(5, lines.clone()).entry(7);
        assert_eq!(read(settled), Entry { reserved: 7, settled: Some(5), until: 0, lines });
        let nothing = Settled::new(0, Vec::new()).entry(-1);
        assert_eq!(read(nothing), Entry { reserved: -1, settled: Some(0), ..Entry::default() });
    }

    fn any_line() -> impl Strategy<Value = Line> {
        let why =
            prop::sample::select(vec![Why::Answer, Why::Failed, Why::Lost, Why::Cancelled, Why::Unasked]);
        let name = || prop_oneof![Just(String::new()), "[a-z0-9./:-]{1,12}", ".{0,8}"];
        let class = prop_oneof![
            prop::sample::select(vec![Class::Input, Class::Output, Class::CacheWrite1h, Class::Reasoning]),
            ".{1,6}".prop_map(|name| Class::Other(format!("other {name}"))),
        ];
        let usage = prop::collection::btree_map(class, any::<u64>(), 0..4);
        let figures = (any::<u32>(), any::<Option<i64>>(), any::<i64>(), any::<bool>());
        (why, name(), prop::option::of(name()), prop::option::of(name()), usage, figures).prop_map(
            |(why, provider, model, target, classes, (attempt, cost, charged, estimated))| {
                let mut usage = Usage::default();
                usage.classes = classes;
                Line {
                    why,
                    attempt,
                    provider: provider.into(),
                    model: model.map(Into::into),
                    target: target.map(Into::into),
                    usage: Arc::new(usage),
                    cost: cost.map(Money::from_nanos),
                    charged,
                    estimated,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_its_serialize_writes(
            lines in prop::collection::vec(any_line(), 0..3),
            (reserved, spent) in any::<(i64, i64)>(),
        ) {
            let written = Settled::new(spent, lines.clone()).entry(reserved);
            let entry = Entry { reserved, settled: Some(spent), until: 0, lines };
            prop_assert_eq!(std::str::from_utf8(&written).unwrap(), serde_json::to_string(&entry).unwrap());
        }
    }
}
