//! The counts of all runs, and the page that shows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::checks::{By, Ended, Verdict};
use super::known::Inside;
use super::run::{Fault, Trial};
use super::target::Manner;

/// What is counted apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) wire: String,
    pub(super) target: String,
    pub(super) manner: Manner,
    pub(super) inside: Inside,
    pub(super) fault: Fault,
    pub(super) trial: Trial,
}

/// Counts of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    runs: u64,
    untouched: u64,
    started: u64,
    prefix: u64,
    request: u64,
    again: u64,
    restarted: u64,
    failed: u64,
    refused: u64,
    broken: u64,
    whole: u64,
}

impl Counts {
    fn count(&mut self, verdict: &Verdict) {
        self.runs += 1;
        let ended = match verdict.ended {
            Ended::Untouched => &mut self.untouched,
            Ended::Started => &mut self.started,
            Ended::Continued(By::Prefix) => &mut self.prefix,
            Ended::Continued(By::Request) => &mut self.request,
            Ended::Continued(By::Again) => &mut self.again,
            Ended::Restarted => &mut self.restarted,
            Ended::Failed => &mut self.failed,
        };
        *ended += 1;
        self.refused += verdict.refused as u64;
        self.broken += u64::from(!verdict.broken.is_empty());
        self.whole += u64::from(verdict.broken.is_empty() && verdict.ended != Ended::Failed);
    }

    fn add(&mut self, other: &Counts) {
        let pairs = [
            (&mut self.runs, other.runs),
            (&mut self.untouched, other.untouched),
            (&mut self.started, other.started),
            (&mut self.prefix, other.prefix),
            (&mut self.request, other.request),
            (&mut self.again, other.again),
            (&mut self.restarted, other.restarted),
            (&mut self.failed, other.failed),
            (&mut self.refused, other.refused),
            (&mut self.broken, other.broken),
            (&mut self.whole, other.whole),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
    }
}

/// What came of all runs.
#[derive(Debug, Default)]
pub struct Report {
    /// Recorded streams, and those of them that were left out, with the reason.
    streams: usize,
    left_out: Vec<String>,
    rows: BTreeMap<Row, Counts>,
    /// The laws that were broken, in words.
    broken: Vec<String>,
}

const HEAD: &str = include_str!("head.md");

/// How many breaches are kept in words.
const KEPT: usize = 200;

impl Report {
    /// No run of a stream yet.
    pub(super) fn of_one_stream() -> Self {
        Report { streams: 1, ..Report::default() }
    }

    /// Notes why a stream is not tried on a target.
    pub(super) fn leave_out(&mut self, reason: String) {
        self.left_out.push(reason);
    }

    /// Counts a run.
    pub(super) fn count(&mut self, row: Row, verdict: Verdict) {
        self.rows.entry(row).or_default().count(&verdict);
        self.keep(verdict.broken);
    }

    fn keep(&mut self, broken: Vec<String>) {
        let room = KEPT.saturating_sub(self.broken.len());
        self.broken.extend(broken.into_iter().take(room));
    }

    /// Adds the counts of other runs.
    pub fn add(&mut self, other: Report) {
        self.streams += other.streams;
        self.left_out.extend(other.left_out);
        other.rows.into_iter().for_each(|(row, counts)| self.rows.entry(row).or_default().add(&counts));
        self.keep(other.broken);
    }

    /// The laws that were broken, in words; of many, the first.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// How many streams were broken, and what was left out.
    pub fn streams(&self) -> (usize, &[String]) {
        (self.streams, &self.left_out)
    }

    /// How many runs lacked something of the answer at the break, and how many of them ended as one valid answer,
    /// where the target can go on and the stream may be repaired.
    pub fn whole(&self) -> (u64, u64) {
        let able = self.rows.iter().filter(|(row, _)| row.is_able() && row.trial.can_end_well());
        able.fold((0, 0), |(runs, whole), (_, counts)| {
            (runs + counts.runs - counts.untouched, whole + counts.whole - counts.untouched.min(counts.whole))
        })
    }

    /// The counts as a table: a row for each of what `of` says.
    fn table(&self, heads: &str, of: impl Fn(&Row) -> Option<String>) -> String {
        let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
        for (row, counts) in &self.rows {
            if let Some(name) = of(row) {
                sums.entry(name).or_default().add(counts);
            }
        }
        let mut out = format!(
            "| {heads} | runs | whole | untouched | started again | by prefix | by request | by asking again \
             | restarted | typed error | refused requests | violations |\n|{}{}\n",
            "---|".repeat(heads.split('|').count()),
            "---:|".repeat(11)
        );
        for (name, c) in sums {
            let _ = writeln!(
                out,
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                c.runs,
                percent(c.whole, c.runs),
                c.untouched,
                c.started,
                c.prefix,
                c.request,
                c.again,
                c.restarted,
                c.failed,
                c.refused,
                c.broken
            );
        }
        out
    }

    /// The page.
    pub fn page(&self) -> String {
        let (runs, whole) = self.whole();
        let (all, broken) = self.rows.values().fold((0, 0), |(a, b), c| (a + c.runs, b + c.broken));
        let mut left_out = self.left_out.clone();
        left_out.sort_unstable();
        let left_out: String = left_out.iter().map(|reason| format!("- {reason}\n")).collect();
        format!(
            "{HEAD}\n## In short\n\n| | |\n|---|---:|\n| recorded streams | {} |\n| runs | {all} |\n\
             | silent splices, duplicates, lost partial answers, other broken laws | {broken} |\n\
             | runs that lacked something, may be repaired, and have a target that can go on | {runs} |\n\
             | of them ended as one valid answer | {whole} ({}) |\n\n{}\n## Left out\n\n\
             Streams on targets that do not take the request, or by whose rules the recording is no whole answer.\n\n\
             {left_out}",
            self.streams,
            percent(whole, runs),
            self.tables(),
        )
    }

    /// The tables of the page.
    pub fn tables(&self) -> String {
        let once = |row: &Row| row.is_able() && row.trial == Trial::Once;
        let mut out = String::from("## What was broken off\n\n");
        out += &self.table("inside | fault", |row| {
            once(row).then(|| format!("{} | {}", inside(row.inside), fault(row.fault)))
        });
        out += "\n## Each wire\n\n";
        out += &self.table("wire | inside | fault", |row| {
            once(row).then(|| format!("`{}` | {} | {}", row.wire, inside(row.inside), fault(row.fault)))
        });
        out += "\n## Each target\n\n";
        out +=
            &self.table("wire | target", |row| once(row).then(|| format!("`{}` | {}", row.wire, row.target)));
        out += "\n## Targets that fail again, and the other policies\n\nThe connection is reset.\n\n";
        out += &self.table("trial | inside", |row| {
            let name = trial(row.trial)?;
            row.is_able().then(|| format!("{name} | {}", inside(row.inside)))
        });
        out += "\n## Targets that say something else the second time\n\n";
        out += &self.table("inside", |row| (!row.is_able()).then(|| inside(row.inside).to_owned()));
        out
    }
}

impl Row {
    /// Whether the target goes on with the answer that broke.
    fn is_able(&self) -> bool {
        self.manner != Manner::Rephrase
    }
}

fn trial(trial: Trial) -> Option<&'static str> {
    match trial {
        Trial::Once => None,
        Trial::Twice => Some("`continue`, broken twice"),
        Trial::Refused => Some("`continue`, beginnings refused"),
        Trial::Gone => Some("`continue`, no connection any more"),
        Trial::Restart => Some("`restart`"),
        Trial::Fail => Some("`fail`"),
    }
}

fn percent(part: u64, of: u64) -> String {
    // Rounded down: 100% is all of them.
    let tenths = part.saturating_mul(1000).checked_div(of).unwrap_or(1000);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

fn inside(inside: Inside) -> &'static str {
    match inside {
        Inside::Text => "text",
        Inside::Json => "JSON",
        Inside::Arguments => "tool arguments",
        Inside::Reasoning => "reasoning",
        Inside::Opening => "before content",
        Inside::Between => "between parts",
        Inside::Other => "several choices, whole parts",
        Inside::End => "after the end",
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Cut => "cut",
        Fault::Stall => "stall",
        Fault::Reset => "reset",
    }
}
