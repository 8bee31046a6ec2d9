//! What many runs have covered, and what they found.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use belvedere::EndKind;

use super::signals::HAPPENINGS;
use super::{Act, Asked, Breach, Fault, Position, Run, STORE_FAULTS};

/// The sum of many runs.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many seeds were run.
    pub runs: u64,
    /// How many of them were run twice, with equal logs.
    pub twice: u64,
    /// The seeds that broke a law.
    pub broken: Vec<(u64, Breach)>,
    calls: u64,
    steps: u64,
    elapsed: Duration,
    faults: BTreeMap<(Fault, Position), u64>,
    acts: BTreeMap<(Act, Position), u64>,
    wires: BTreeMap<&'static str, u64>,
    layers: BTreeMap<&'static str, u64>,
    happened: BTreeMap<&'static str, u64>,
    store_faults: BTreeMap<(&'static str, Asked), u64>,
    ends: [u64; 4],
}

const ENDS: [EndKind; 4] = [EndKind::Finished, EndKind::Truncated, EndKind::Failed, EndKind::Cancelled];

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, run: Run) {
        self.runs += 1;
        self.steps += run.steps;
        self.elapsed += run.elapsed;
        self.calls += run.ends.len() as u64;
        *self.wires.entry(run.wire).or_default() += 1;
        if run.layers.is_empty() {
            *self.layers.entry("none").or_default() += 1;
        }
        run.layers.into_iter().for_each(|layer| *self.layers.entry(layer).or_default() += 1);
        run.happened.into_iter().for_each(|what| *self.happened.entry(what).or_default() += 1);
        run.store_faults.into_iter().for_each(|cell| *self.store_faults.entry(cell).or_default() += 1);
        run.faults.into_iter().for_each(|cell| *self.faults.entry(cell).or_default() += 1);
        run.acts.into_iter().for_each(|cell| *self.acts.entry(cell).or_default() += 1);
        for (count, kind) in self.ends.iter_mut().zip(ENDS) {
            *count += run.ends.iter().filter(|end| **end == kind).count() as u64;
        }
        self.broken.extend(run.breaches.into_iter().map(|breach| (run.seed, breach)));
    }

    /// Adds another sum.
    pub fn join(&mut self, other: Tally) {
        fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        }
        self.runs += other.runs;
        self.twice += other.twice;
        self.calls += other.calls;
        self.steps += other.steps;
        self.elapsed += other.elapsed;
        self.broken.extend(other.broken);
        merge(&mut self.faults, other.faults);
        merge(&mut self.acts, other.acts);
        merge(&mut self.wires, other.wires);
        merge(&mut self.layers, other.layers);
        merge(&mut self.happened, other.happened);
        merge(&mut self.store_faults, other.store_faults);
        self.ends.iter_mut().zip(other.ends).for_each(|(count, more)| *count += more);
    }

    /// The cells that no run has covered and could have.
    pub fn holes(&self) -> Vec<String> {
        let faults = Fault::all().flat_map(|fault| fault.positions().iter().map(move |at| (fault, *at)));
        let acts = Act::ALL.into_iter().flat_map(|act| act.positions().iter().map(move |at| (act, *at)));
        let faults = faults.filter(|cell| !self.faults.contains_key(cell)).map(|(f, at)| (f.name(), at));
        let acts = acts.filter(|cell| !self.acts.contains_key(cell)).map(|(act, at)| (act.name(), at));
        let cells = faults.chain(acts).map(|(name, at)| format!("{name} at {}", at.name()));
        let happened =
            HAPPENINGS.into_iter().filter(|what| !self.happened.contains_key(what)).map(str::to_owned);
        let stores = store_cells().filter(|cell| !self.store_faults.contains_key(cell));
        let stores = stores.map(|(fault, asked)| format!("store: {fault} at {}", asked.name()));
        cells.chain(happened).chain(stores).collect()
    }

    /// The sum in words, without times of this machine.
    pub fn summary(&self) -> String {
        let years = self.elapsed.as_secs_f64() / (365.25 * 86_400.0);
        let [finished, truncated, failed, cancelled] = self.ends;
        format!(
            "{} seeds, {} calls, {} steps, {years:.2} years of virtual time; {} broken laws; {} seeds run twice, \
             logs equal\nends: {finished} finished, {truncated} truncated, {failed} failed, {cancelled} cancelled",
            self.runs,
            self.calls,
            self.steps,
            self.broken.len(),
            self.twice,
        )
    }

    /// The coverage tables in Markdown, with the reason for each cell that can't be.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        header(&mut text, "fault");
        for fault in Fault::all() {
            let cell = |at| fault.positions().contains(&at).then(|| self.faults.get(&(fault, at)).copied());
            row(&mut text, fault.name(), cell, fault.why_nowhere_else());
        }
        text.push('\n');
        header(&mut text, "what the caller does");
        for act in Act::ALL {
            let cell = |at| act.positions().contains(&at).then(|| self.acts.get(&(act, at)).copied());
            row(&mut text, act.name(), cell, act.why_nowhere_else());
        }
        self.store_table(&mut text);
        let happened = |what: &str| (what.to_owned(), self.happened.get(what).copied().unwrap_or_default());
        let happened = HAPPENINGS.into_iter().map(happened).collect();
        for (title, counts) in
            [("what happens", happened), ("wire", counts(&self.wires)), ("layer", counts(&self.layers))]
        {
            let _ = write!(text, "\n| {title} | seeds |\n|---|---:|\n");
            for (name, count) in counts {
                let _ = writeln!(text, "| {name} | {count} |");
            }
        }
        text
    }

    fn store_table(&self, text: &mut String) {
        let names: Vec<&str> = Asked::ALL.into_iter().map(Asked::name).collect();
        let _ = writeln!(text, "\n| store | {} |\n|---|{}", names.join(" | "), "---:|".repeat(names.len()));
        for fault in STORE_FAULTS {
            let count =
                |asked| self.store_faults.get(&(fault, asked)).copied().unwrap_or_default().to_string();
            let cells: Vec<String> = Asked::ALL.into_iter().map(count).collect();
            let _ = writeln!(text, "| {fault} | {} |", cells.join(" | "));
        }
    }
}

/// Each fault of a store at each thing it is asked for.
fn store_cells() -> impl Iterator<Item = (&'static str, Asked)> {
    STORE_FAULTS.into_iter().flat_map(|fault| Asked::ALL.into_iter().map(move |asked| (fault, asked)))
}

fn counts<K: ToString>(map: &BTreeMap<K, u64>) -> Vec<(String, u64)> {
    map.iter().map(|(key, count)| (key.to_string(), *count)).collect()
}

fn header(text: &mut String, title: &str) {
    let names: Vec<&str> = Position::ALL.into_iter().map(Position::name).collect();
    let _ = writeln!(text, "| {title} | {} | – because |", names.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---:|".repeat(names.len()));
}

fn row(text: &mut String, name: &str, cell: impl Fn(Position) -> Option<Option<u64>>, why: &str) {
    let cells = Position::ALL.into_iter().map(|at| match cell(at) {
        None => "–".to_owned(),
        Some(None) => "**0**".to_owned(),
        Some(Some(count)) => count.to_string(),
    });
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {name} | {} | {why} |", cells.join(" | "));
}
