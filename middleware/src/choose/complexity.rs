//! How hard a request looks, from its form alone.

use belvedere_core::message::{Message, Part, Role};
use belvedere_core::request::{Request, ResponseFormat};
use serde::Serialize;

use super::reading::Reading;

/// How hard a request looks: a score from 0 to 1, and what each feature adds to it.
///
/// It is read from the form of a request, in one pass, without a word list: it works alike in every language. The
/// text is that of the last turn, what came after the model's last word. Each feature counts something, `n`, and
/// contributes `weight * n / (n + half)`, so that the first of a kind says more than the tenth; the score is
/// `1 - (1 - a)(1 - b)...` over all contributions: more of anything never lowers it.
///
/// | feature | counts | weight | half |
/// | --- | --- | --- | --- |
/// | `length` | characters of the turn | 0.25 | 800 |
/// | `numbers` | numbers to reckon with | 0.60 | 5 |
/// | `formulas` | signs of formulas: `+ = ^ √ ≤ ∑ \` | 0.25 | 6 |
/// | `code` | signs of code: braces, `name(`, fences | 0.50 | 15 |
/// | `steps` | sentences, questions, lines after the first | 0.30 | 6 |
/// | `recurrence` | words that come again: things to keep apart | 0.40 | 20 |
/// | `context` | characters before the turn, instructions included | 0.30 | 8000 |
/// | `tools` | tools to choose from | 0.40 | 4 |
/// | `media` | images, audio, documents in the turn | 0.30 | 1 |
/// | `output` | 1 where the answer must be JSON, 3 where it has a schema | 0.30 | 2 |
///
/// ```
/// use belvedere_middleware::choose::Complexity;
///
/// let easy = Complexity::of(&"What is the capital of France?".into());
/// let hard = Complexity::of(&"A tank of 1200 l is filled by 3 pipes at 4, 5 and 7 l/min. After 20 min, pipe 2 is \
///     closed. When is the tank full, if 2 l/min leak from minute 30 on?".into());
/// assert!(easy.score < 0.1 && hard.score > 0.3);
/// assert!(hard.numbers > hard.length, "it is the numbers that make it hard");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Complexity {
    /// All contributions together, 0 to 1.
    pub score: f64,
    /// What its looks say it is: `code`, `math`, or nothing in particular.
    pub task: Option<&'static str>,
    /// Of the length of the turn.
    pub length: f64,
    /// Of its numbers.
    pub numbers: f64,
    /// Of its formulas.
    pub formulas: f64,
    /// Of its code.
    pub code: f64,
    /// Of its sentences, questions and lines.
    pub steps: f64,
    /// Of the words that come again.
    pub recurrence: f64,
    /// Of what stands before the turn.
    pub context: f64,
    /// Of the tools.
    pub tools: f64,
    /// Of the media.
    pub media: f64,
    /// Of the form the answer must have.
    pub output: f64,
}

impl Complexity {
    /// Analyses a request. It takes time in proportion to the text, and reads at most 32,000 characters of the turn.
    pub fn of(request: &Request) -> Self {
        let messages = request.messages.as_slice();
        let turn = messages.iter().rposition(|m| m.role == Role::Assistant).map_or(0, |last| last + 1);
        let mut reading = Reading::default();
        let mut context = 0;
        let mut media = 0;
        for (i, message) in messages.iter().enumerate() {
            match message.role {
                Role::User | Role::Tool if i >= turn => read(&message.parts, &mut reading, &mut media),
                _ => context += size(message),
            }
        }
        let mut found = Complexity {
            score: 0.0,
            task: reading.task(),
            length: weigh(0.25, reading.characters, 800),
            numbers: weigh(0.60, reading.numbers, 5),
            formulas: weigh(0.25, reading.formulas, 6),
            code: weigh(0.50, reading.code, 15),
            steps: weigh(0.30, reading.steps.saturating_sub(1), 6),
            recurrence: weigh(0.40, reading.repeated, 20),
            context: weigh(0.30, context, 8_000),
            tools: weigh(0.40, request.tools.len(), 4),
            media: weigh(0.30, media, 1),
            output: weigh(0.30, form(request), 2),
        };
        found.score = 1.0 - found.contributions().iter().map(|(_, part)| 1.0 - part).product::<f64>();
        found
    }

    /// What each feature adds, by name.
    pub fn contributions(&self) -> [(&'static str, f64); 10] {
        [
            ("length", self.length),
            ("numbers", self.numbers),
            ("formulas", self.formulas),
            ("code", self.code),
            ("steps", self.steps),
            ("recurrence", self.recurrence),
            ("context", self.context),
            ("tools", self.tools),
            ("media", self.media),
            ("output", self.output),
        ]
    }
}

/// The contribution of `n` of a kind: half the weight at `half`, all of it at infinity.
fn weigh(weight: f64, n: usize, half: usize) -> f64 {
    let (n, half) = (n as f64, half as f64);
    weight * n / (n + half)
}

fn read(parts: &[Part], reading: &mut Reading, media: &mut usize) {
    for part in parts {
        match part {
            Part::Text { text, .. } => reading.read(text),
            Part::ToolResult { content, .. } => read(content, reading, media),
            Part::Media(_) => *media += 1,
            _ => {}
        }
    }
}

/// About how many characters a message has.
fn size(message: &Message) -> usize {
    let text = |part: &Part| match part {
        Part::Text { text, .. } | Part::Reasoning { text, .. } | Part::Refusal { text } => text.len(),
        Part::ToolCall { input, .. } => input.len(),
        Part::ToolResult { content, .. } => content.iter().filter_map(Part::as_text).map(str::len).sum(),
        _ => 0,
    };
    message.parts.iter().map(text).sum()
}

/// How much form the answer must have.
fn form(request: &Request) -> usize {
    match request.response_format {
        Some(ResponseFormat::JsonSchema { .. }) => 3,
        Some(ResponseFormat::JsonObject) => 1,
        _ => 0,
    }
}
