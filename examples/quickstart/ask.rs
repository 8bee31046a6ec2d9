//! One question: asked, shown while its answer comes, and summed up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use belvedere::error::Category;
use belvedere::event::Notice;
use belvedere::usage::Usage;
use belvedere::{Client, Error, Event, Progress, Request, StreamController};
use futures_util::StreamExt;

use crate::screen::Screen;

/// What happened to one question: a row of the table.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) wire: String,
    pub(crate) what: &'static str,
    /// How it ended, in one or two words.
    pub(crate) end: String,
    /// The provider's own word for why it ended.
    reason: Option<String>,
    /// What happened between the beginning and the end.
    pub(crate) on_the_way: Vec<String>,
    events: u64,
    usage: Option<Arc<Usage>>,
    first: Option<Duration>,
    took: Duration,
}

impl Outcome {
    fn new(wire: String, what: &'static str) -> Self {
        let (end, reason, on_the_way) = (String::new(), None, Vec::new());
        let (events, usage, first, took) = (0, None, None, Duration::ZERO);
        Outcome { wire, what, end, reason, on_the_way, events, usage, first, took }
    }

    fn ended(self, end: String) -> Self {
        let end = self.reason.as_ref().map_or_else(|| end.clone(), |reason| format!("{end} ({reason})"));
        Outcome { end, ..self }
    }

    /// The heading of the table.
    pub(crate) fn heading() -> Vec<String> {
        ["wire", "what", "end", "events", "tokens in/out", "first", "time", "on the way"]
            .map(str::to_owned)
            .to_vec()
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
        vec![
            self.wire.clone(),
            what,
            self.end.clone(),
            events,
            tokens,
            first,
            seconds(self.took),
            self.on_the_way.join(", "),
        ]
    }
}

/// How long the reader looks away.
const PAUSE: Duration = Duration::from_millis(700);

/// What the eye wants to see while an answer comes.
fn status(progress: &Progress) -> String {
    format!(
        "{:.1} s  {} events  {} bytes  {:.0} tokens/s",
        progress.elapsed.as_secs_f64(),
        progress.events,
        progress.bytes,
        progress.mean_rate
    )
}

/// Asks, and shows the answer as it comes.
pub(crate) async fn stream(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: impl Into<Request>,
) -> Outcome {
    follow(screen, client, what, request.into(), None).await
}

/// The same by a reader who pauses after so many events, and comes back.
pub(crate) async fn stream_with_pause(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: impl Into<Request>,
    pause_after: u64,
) -> Outcome {
    follow(screen, client, what, request.into(), Some(pause_after)).await
}

async fn follow(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: Request,
    mut pause_after: Option<u64>,
) -> Outcome {
    let wire = client.info().wire.to_string();
    let mut outcome = Outcome::new(wire, what);
    let mut answer = match client.stream(request).await {
        Ok(answer) => answer,
        Err(error) => {
            explain(screen, &error);
            return outcome.ended(error.kind().to_string());
        }
    };
    let control = answer.controller();
    let mut failure = None;
    loop {
        let item = match pause_after.take_if(|after| control.progress().events >= *after) {
            None => answer.next().await,
            Some(_) => {
                control.pause();
                screen.aside("paused: nothing is shown, the connection stays open");
                let (item, held) = tokio::join!(answer.next(), resume_later(&control));
                screen.aside(&format!(
                    "resumed after {:.1} s: {held} bytes of events were held back, none is lost",
                    PAUSE.as_secs_f64()
                ));
                outcome.on_the_way.push(format!("paused {:.1} s", PAUSE.as_secs_f64()));
                item
            }
        };
        match item {
            None => break,
            Some(Err(error)) => failure = Some(error),
            Some(Ok(event)) => show(screen, &event, &control.progress(), &mut outcome),
        }
    }
    let metrics = control.metrics();
    if metrics.progress.events > 0 {
        screen.end(&status(&metrics.progress));
    }
    let attempts = metrics.attempts.len();
    if attempts > 1 {
        outcome.on_the_way.push(format!("{attempts} attempts"));
    }
    outcome.events = metrics.progress.events;
    outcome.usage = metrics.usage;
    outcome.first = metrics.progress.first_event;
    outcome.took = metrics.progress.elapsed;
    let end = match (&failure, answer.end()) {
        (Some(error), _) => {
            explain(screen, error);
            error.kind().to_string()
        }
        (None, Some(end)) => format!("{end:?}").to_lowercase(),
        (None, None) => "open".to_owned(),
    };
    outcome.ended(end)
}

/// Comes back after a while; gives how much the pause held back.
async fn resume_later(control: &StreamController) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a reader who looks away does so on the machine's own clock"
    )]
    tokio::time::sleep(PAUSE).await;
    let held = control.progress().buffered;
    control.resume();
    held
}

/// Shows one event.
fn show(screen: &mut Screen, event: &Event, progress: &Progress, outcome: &mut Outcome) {
    if progress.events == 1 {
        screen.begin();
    }
    match event {
        Event::Text { delta, .. } => screen.text(delta),
        Event::Notice(Notice::Continued { .. }) => {
            screen.aside("the connection broke; the answer goes on from another attempt");
            outcome.on_the_way.push("survived a cut".to_owned());
        }
        Event::Finish { finish, .. } => outcome.reason = finish.raw.as_ref().map(ToString::to_string),
        _ => {}
    }
    screen.progress(progress.elapsed, &status(progress));
}

/// Asks for the whole answer in a form of its own, and shows it.
pub(crate) async fn whole(
    screen: &mut Screen,
    client: &Client,
    what: &'static str,
    request: impl Into<Request>,
) -> Outcome {
    let mut outcome = Outcome::new(client.info().wire.to_string(), what);
    #[expect(clippy::disallowed_methods, reason = "a program that shows times reads the machine's own clock")]
    let began = Instant::now();
    let answer = client.complete(request).await;
    outcome.took = began.elapsed();
    match answer {
        Ok(answer) => {
            screen.paragraph(&answer.text());
            outcome.reason = answer.finish_reason().map(|reason| format!("{reason:?}").to_lowercase());
            outcome.usage = answer.usage;
            outcome.ended("finished".to_owned())
        }
        Err(error) => {
            explain(screen, &error);
            outcome.ended(error.kind().to_string())
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
