//! What is told about the steps: a line for each, a table at the end.

use std::time::Duration;

use crate::command::Tally;

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// Left out by `--only`. Not a pass.
    NotRun,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) tally: Tally,
}

impl Row {
    /// Name, time and result on one line.
    pub(crate) fn line(&self) -> String {
        let result = match &self.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "FAILED",
            Outcome::NotRun => "not run",
        };
        let took = match self.outcome {
            Outcome::NotRun => "-".to_owned(),
            _ => format!("{:.1} s", self.took.as_secs_f64()),
        };
        let mut line = format!("{:<14}{took:>10}  {result}", self.name);
        let Tally { passed, failed, ignored } = self.tally;
        if self.tally != Tally::default() {
            line.push_str(&format!("  ({passed} tests passed, {failed} failed, {ignored} ignored)"));
        }
        if let Outcome::Failed(reason) = &self.outcome {
            line.push_str(&format!("\n{:<28}{reason}", ""));
        }
        line
    }
}

/// The table, what it comes to, and, on a line of its own, the tests all runners counted.
pub(crate) fn summary(rows: &[Row]) -> String {
    let names = |wanted: fn(&Outcome) -> bool| {
        let names: Vec<_> = rows.iter().filter(|r| wanted(&r.outcome)).map(|r| r.name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut tally = Tally::default();
    rows.iter().for_each(|row| tally.add(row.tally));
    let mut text = format!("\n{:<14}{:>10}  result\n", "step", "time");
    for row in rows {
        text.push_str(&row.line());
        text.push('\n');
    }
    text.push('\n');
    if let Some(failed) = names(|o| matches!(o, Outcome::Failed(_))) {
        text.push_str(&format!("Failed: {failed}.\n"));
    }
    if let Some(left_out) = names(|o| *o == Outcome::NotRun) {
        text.push_str(&format!("Not run, so not known: {left_out}.\n"));
    }
    if rows.iter().all(|row| row.outcome == Outcome::Passed) {
        text.push_str("Every step passed.\n");
    }
    text.push_str(&format!("{} passed, {} failed", tally.passed, tally.failed));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Outcome, passed: u64) -> Row {
        let tally = Tally { passed, ..Tally::default() };
        Row { name, outcome, took: Duration::from_millis(1250), tally }
    }

    #[test]
    fn a_step_that_was_not_run_is_no_pass() {
        let rows = [row("lint", Outcome::Passed, 0), row("wasm-test", Outcome::NotRun, 0)];
        let text = summary(&rows);
        assert!(text.contains("wasm-test              -  not run\n"), "{text}");
        assert!(text.contains("Not run, so not known: wasm-test.\n"), "{text}");
        assert!(!text.contains("Every step passed"), "{text}");
    }

    #[test]
    fn the_last_line_is_the_sum_of_all_tests() {
        let failed = Outcome::Failed("`cargo test` ended with exit status: 101".into());
        let rows = [row("test", failed, 7), row("wasm-test", Outcome::Passed, 5)];
        let text = summary(&rows);
        assert_eq!(text.lines().last(), Some("12 passed, 0 failed"));
        assert!(
            text.contains("test               1.2 s  FAILED  (7 tests passed, 0 failed, 0 ignored)\n"),
            "{text}"
        );
        assert!(text.contains("ended with exit status: 101\n") && text.contains("Failed: test.\n"), "{text}");
    }
}
