//! One question: asked, shown while its answer comes, and summed up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use belvedere::error::Category;
use belvedere::usage::Usage;
use belvedere::{Client, Error, Event, Request};
use futures_util::StreamExt;

use crate::screen::Screen;

/// What happened to one question: a row of the table.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) wire: String,
    pub(crate) what: &'static str,
    /// How it ended, in one or two words.
    pub(crate) end: String,
    events: usize,
    usage: Option<Arc<Usage>>,
    first: Option<Duration>,
    took: Duration,
}

impl Outcome {
    /// The heading of the table.
    pub(crate) fn heading() -> Vec<String> {
        ["wire", "what", "end", "events", "tokens in/out", "first", "time"].map(str::to_owned).to_vec()
    }

    /// The row of the table.
    pub(crate) fn row(&self) -> Vec<String> {
        let count = |of: fn(&Usage) -> Option<u64>| {
            self.usage.as_deref().and_then(of).map_or_else(|| "?".to_owned(), |n| n.to_string())
        };
        let tokens = match self.usage {
            Some(_) => format!("{} / {}", count(Usage::input_tokens), count(Usage::output_tokens)),
            None => "-".to_owned(),
        };
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let first = self.first.map_or_else(|| "-".to_owned(), seconds);
        let what = self.what.to_owned();
        // A whole answer was folded before anyone could count its events.
        let events = if self.events == 0 { "-".to_owned() } else { self.events.to_string() };
        vec![self.wire.clone(), what, self.end.clone(), events, tokens, first, seconds(self.took)]
    }
}

/// Counts what comes, for the eye.
struct Meter {
    began: Instant,
    first: Option<Duration>,
    events: usize,
    deltas: u32,
    bytes: usize,
    usage: Option<Arc<Usage>>,
    reason: Option<String>,
}

impl Meter {
    #[expect(
        clippy::disallowed_methods,
        reason = "a program that shows progress reads the machine's own clock"
    )]
    fn new() -> Self {
        let (first, usage, reason) = (None, None, None);
        Meter { began: Instant::now(), first, events: 0, deltas: 0, bytes: 0, usage, reason }
    }

    fn event(&mut self, event: &Event) {
        self.events += 1;
        match event {
            Event::Text { delta, .. } => {
                self.first.get_or_insert(self.began.elapsed());
                self.deltas += 1;
                self.bytes += delta.len();
            }
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Finish { finish, .. } => self.reason = finish.raw.as_ref().map(ToString::to_string),
            _ => {}
        }
    }

    /// Providers send about a token at a time, so text events stand for tokens until the usage is there.
    fn status(&self) -> String {
        let elapsed = self.began.elapsed();
        let writing = elapsed.saturating_sub(self.first.unwrap_or(elapsed)).as_secs_f64();
        let rate = if writing > 0.0 { f64::from(self.deltas.saturating_sub(1)) / writing } else { 0.0 };
        format!(
            "{:.1} s  {} events  {} bytes  {rate:.0} tokens/s",
            elapsed.as_secs_f64(),
            self.events,
            self.bytes
        )
    }

    fn outcome(self, wire: String, what: &'static str, end: String) -> Outcome {
        let end = self.reason.map_or_else(|| end.clone(), |reason| format!("{end} ({reason})"));
        let took = self.began.elapsed();
        Outcome { wire, what, end, events: self.events, usage: self.usage, first: self.first, took }
    }
}

/// Asks, and shows the answer as it comes.
pub(crate) async fn stream(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: impl Into<Request>,
) -> Outcome {
    let wire = client.info().wire.to_string();
    let mut meter = Meter::new();
    let mut answer = match client.stream(request).await {
        Ok(answer) => answer,
        Err(error) => {
            explain(screen, &error);
            return meter.outcome(wire, what, error.kind().to_string());
        }
    };
    let mut failure = None;
    while let Some(item) = answer.next().await {
        match item {
            Ok(event) => {
                if meter.events == 0 {
                    screen.begin();
                }
                meter.event(&event);
                if let Event::Text { delta, .. } = &event {
                    screen.text(delta);
                }
                screen.progress(meter.began.elapsed(), &meter.status());
            }
            Err(error) => failure = Some(error),
        }
    }
    if meter.events > 0 {
        screen.end(&meter.status());
    }
    let end = match (&failure, answer.end()) {
        (Some(error), _) => {
            explain(screen, error);
            error.kind().to_string()
        }
        (None, Some(end)) => format!("{end:?}").to_lowercase(),
        (None, None) => "open".to_owned(),
    };
    meter.outcome(wire, what, end)
}

/// Asks for the whole answer in a form of its own, and shows it.
pub(crate) async fn whole(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: impl Into<Request>,
) -> Outcome {
    let wire = client.info().wire.to_string();
    let mut meter = Meter::new();
    match client.complete(request).await {
        Ok(answer) => {
            screen.paragraph(&answer.text());
            let reason = answer.finish_reason().map(|reason| format!("{reason:?}").to_lowercase());
            (meter.usage, meter.reason) = (answer.usage, reason);
            meter.outcome(wire, what, "finished".to_owned())
        }
        Err(error) => {
            explain(screen, &error);
            meter.outcome(wire, what, error.kind().to_string())
        }
    }
}

/// An error as a person wants it: what happened, what is known about it, and what to do.
fn explain(screen: &Screen, error: &Error) {
    let text = error.to_string();
    let heading = format!("{}: {}", error.kind(), error.message());
    screen.fault(&heading);
    // What the provider said and where it happened, if there is anything.
    let details = text.strip_prefix(&heading).unwrap_or(&text).trim_start_matches([' ', ';']);
    if !details.is_empty() {
        screen.paragraph(details);
    }
    let todo = match error.category() {
        Category::Transient => "try again: the same call may work a moment later",
        Category::RateLimit => "wait, then try again",
        Category::Auth => "change the credentials",
        Category::Validation => "change the request or the configuration",
        Category::Permanent => "trying again does not help",
    };
    screen.whisper(&format!("   What to do ({}): {todo}.", error.category().name()));
}
