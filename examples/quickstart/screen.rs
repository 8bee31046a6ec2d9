//! The terminal: wrapped text, a status line that is redrawn, colours. Without a terminal, plain lines.

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How wide text is set, in characters.
const WIDTH: usize = 74;
/// How often a plain progress line is printed.
const PLAIN_EVERY: Duration = Duration::from_millis(500);

/// What is shown, and how.
pub(crate) struct Screen {
    /// Standard output is a terminal: the status line can be redrawn.
    live: bool,
    colours: bool,
    /// The text of the line that is not yet full.
    line: String,
    /// When the last plain progress line was printed, since the start of the answer.
    shown: Duration,
}

impl Screen {
    /// Colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(crate) fn new() -> Self {
        let live = std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Screen { live, colours: live && !no_colour, line: String::new(), shown: Duration::ZERO }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub(crate) fn title(&self, number: usize, what: &str, wire: &str) {
        println!(
            "\n{} {}",
            self.paint("1;36", &format!("{number}. {what}")),
            self.paint("2", &format!("({wire})"))
        );
    }

    /// A line of its own.
    pub(crate) fn say(&self, text: &str) {
        println!("{text}");
    }

    /// A line that may be overlooked.
    pub(crate) fn whisper(&self, text: &str) {
        println!("{}", self.paint("2", text));
    }

    /// Text that tells of a failure.
    pub(crate) fn fault(&self, text: &str) {
        self.lines(text, "31");
    }

    /// Text set in lines, all at once.
    pub(crate) fn paragraph(&self, text: &str) {
        self.lines(text, "");
    }

    fn lines(&self, text: &str, colour: &str) {
        let mut rest = text.to_owned();
        while let Some(line) = full_line(&mut rest) {
            println!("   {}", self.paint(colour, &line));
        }
        println!("   {}", self.paint(colour, &rest));
    }

    /// Makes room for an answer and its status line.
    pub(crate) fn begin(&mut self) {
        self.line.clear();
        self.shown = Duration::ZERO;
        if self.live {
            println!();
        }
    }

    /// Adds text that just came.
    pub(crate) fn text(&mut self, delta: &str) {
        self.line.push_str(delta);
        if self.live {
            // Up from the status line to the line of text.
            print!("\x1b[1A");
        }
        let clear = if self.live { "\r\x1b[K" } else { "" };
        while let Some(line) = full_line(&mut self.line) {
            println!("{clear}   {line}");
        }
        if self.live {
            println!("{clear}   {}", self.line);
        }
    }

    /// A line between two lines of the answer.
    pub(crate) fn aside(&mut self, what: &str) {
        let line = std::mem::take(&mut self.line);
        if self.live {
            // Over the line of text and the status line, which both come again.
            print!("\x1b[1A\r\x1b[K   {line}\n\x1b[K   {}\n\n", self.paint("33", &format!("[{what}]")));
        } else {
            if !line.is_empty() {
                println!("   {line}");
            }
            println!("   [{what}]");
        }
    }

    /// Shows how far the answer is: on a terminal each time, else every half second.
    pub(crate) fn progress(&mut self, elapsed: Duration, status: &str) {
        if self.live {
            print!("\r\x1b[K   {}", self.paint("2", status));
            // Nothing is lost when a terminal does not flush.
            let _ = std::io::stdout().flush();
        } else if elapsed >= self.shown + PLAIN_EVERY {
            self.shown = elapsed;
            println!("   ... {status}");
        }
    }

    /// The answer is over: its last line, and the status for good.
    pub(crate) fn end(&mut self, status: &str) {
        if !self.live && !self.line.is_empty() {
            println!("   {}", self.line);
        }
        let clear = if self.live { "\r\x1b[K" } else { "" };
        println!("{clear}   {}", self.paint("2", status));
        self.line.clear();
    }

    /// Rows in columns as wide as they need; the first row is the heading.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let length = |text: &String| text.chars().count();
        let widths: Vec<usize> = (0..columns)
            .map(|c| rows.iter().filter_map(|r| r.get(c)).map(length).max().unwrap_or_default())
            .collect();
        for (at, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            println!(
                "{}",
                if at == 0 { self.paint("1", line.trim_end()) } else { line.trim_end().to_owned() }
            );
        }
    }
}

/// Takes a full line from the front of `text`; `None` when what is left fits.
fn full_line(text: &mut String) -> Option<String> {
    let (end, next) = match text.find('\n') {
        Some(at) if text.chars().take_while(|c| *c != '\n').count() <= WIDTH => (at, at + 1),
        _ => {
            let (limit, _) = text.char_indices().nth(WIDTH)?;
            let fits = text.get(..=limit).unwrap_or(text);
            match fits.rfind(' ') {
                Some(space) => (space, space + 1),
                None => (limit, limit),
            }
        }
    };
    let rest = text.get(next..).unwrap_or_default().to_owned();
    text.truncate(end);
    Some(std::mem::replace(text, rest))
}
