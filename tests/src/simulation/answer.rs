//! What a simulated model answers, and what of it has been read.

use std::fmt::Write;
use std::sync::Arc;

use belvedere::event::Finish;
use belvedere::message::ToolBy;
use belvedere::usage::{Class, Usage};
use belvedere::{Event, FinishReason, SmolStr};
use futures_util::StreamExt;

use super::dice::Dice;
use super::wire::Has;

/// The truth about one attempt: what its upstream would say if nothing went wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) events: Vec<Event>,
    pub(super) pieces: Vec<Piece>,
}

/// One part of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Piece {
    kind: Kind,
    /// The tool's name.
    name: SmolStr,
    text: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Text,
    Reasoning,
    Tool,
    /// What no simulated answer has.
    Other,
}

/// Words of one to four bytes a character, also joined ones.
const WORDS: [&str; 8] = ["sky", "größer", "青い", "blue🌍", "naïve", "👩\u{200d}👩\u{200d}👧", "الجو", "𝔘"];

impl Answer {
    /// An answer, each of whose words is found nowhere else: `mark` says whose it is, and words are counted. So no
    /// splice, loss or repetition goes unseen.
    pub(super) fn draw(dice: &Dice, has: Has, mark: &str) -> Self {
        let mut draft = Draft::begin(dice, mark);
        if has.reasoning && dice.one_in(3) {
            draft.prose(Kind::Reasoning);
        }
        let tools = if has.tools && dice.one_in(3) { dice.within(1, 3) } else { 0 };
        match dice.below(4) {
            0 if tools > 0 => {}
            1 => draft.json(),
            _ => draft.prose(Kind::Text),
        }
        (0..tools).for_each(|_| draft.tool());
        draft.finish()
    }

    /// The answer that is just this text, and no model's.
    pub(super) fn said(text: &str) -> Self {
        let completion = belvedere::Completion::of_text(text);
        let items = belvedere::testing::run(StreamExt::collect::<Vec<_>>(completion.into_events()));
        let piece = Piece { kind: Kind::Text, name: SmolStr::default(), text: text.to_owned() };
        Answer { events: items.into_iter().flatten().collect(), pieces: vec![piece] }
    }

    /// The same answer in other deltas, with a usage of its own.
    pub(super) fn again(&self, dice: &Dice, mark: &str) -> Self {
        let mut draft = Draft::begin(dice, mark);
        self.pieces.iter().for_each(|piece| draft.piece(piece.clone()));
        draft.finish()
    }

    /// The text, parts joined.
    pub(super) fn text(&self) -> String {
        self.pieces.iter().filter(|piece| piece.kind == Kind::Text).map(|piece| piece.text.as_str()).collect()
    }

    /// What a model says that is given the beginning of this answer's text, and repeats some of it first; and the
    /// answers that may come of it as a whole. It goes on as this answer does, or in other words.
    pub(super) fn go_on(
        &self,
        dice: &Dice,
        has: Has,
        mark: &str,
        given: &str,
        repeats: &str,
    ) -> (Self, Vec<Self>) {
        let mut draft = Draft::begin(dice, mark);
        let same = !dice.one_in(3);
        let rest = match self.text().get(given.len()..) {
            Some(rest) if same => rest.to_owned(),
            _ => format!(" {} {}", draft.word(), draft.word()),
        };
        let text = |text: String| Piece { kind: Kind::Text, name: SmolStr::default(), text };
        if !(repeats.is_empty() && rest.is_empty()) {
            draft.piece(text(format!("{repeats}{rest}")));
        }
        let tools = draft.answer.pieces.len();
        if same {
            self.pieces
                .iter()
                .filter(|piece| piece.kind == Kind::Tool)
                .for_each(|tool| draft.piece(tool.clone()));
        } else if has.tools && dice.one_in(3) {
            draft.tool();
        }
        let sent = draft.finish();
        let thinking = self.pieces.iter().filter(|piece| piece.kind == Kind::Reasoning);
        let mut with_thinking: Vec<Piece> = thinking.cloned().collect();
        let mut without = vec![text(format!("{given}{rest}"))];
        without.extend(sent.pieces.iter().skip(tools).cloned());
        with_thinking.extend(without.iter().cloned());
        let whole = |pieces| Answer { events: sent.events.clone(), pieces };
        let wholes = vec![whole(without), whole(with_thinking)];
        (sent, wholes)
    }

    /// Why the model stopped.
    pub(super) fn reason(&self) -> Option<FinishReason> {
        match self.events.last() {
            Some(Event::Finish { finish, .. }) => finish.reason,
            _ => None,
        }
    }

    /// What it used.
    pub(super) fn usage(&self) -> Option<&Usage> {
        self.events.iter().find_map(|event| match event {
            Event::Usage(usage) => Some(usage.as_ref()),
            _ => None,
        })
    }
}

/// An answer in the making.
struct Draft<'a> {
    dice: &'a Dice,
    mark: &'a str,
    words: u32,
    answer: Answer,
}

impl<'a> Draft<'a> {
    fn begin(dice: &'a Dice, mark: &'a str) -> Self {
        let mut draft = Draft { dice, mark, words: 0, answer: Answer::default() };
        draft.push(Event::Start { id: Some(format!("id-{mark}").into()), model: Some("simulated-1".into()) });
        draft
    }

    /// Adds usage and the end.
    fn finish(mut self) -> Answer {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(self.dice.within(1, 5000)));
        usage.set(Class::Output, Some(self.dice.within(1, 5000)));
        self.push(Event::Usage(Arc::new(usage)));
        let calls = self.answer.pieces.iter().any(|piece| piece.kind == Kind::Tool);
        let reason = match calls {
            true => FinishReason::ToolCalls,
            false if self.dice.one_in(8) => FinishReason::Length,
            false => FinishReason::Stop,
        };
        self.push(Event::Finish { choice: 0, finish: Finish { reason: Some(reason), ..Finish::default() } });
        self.answer
    }

    fn push(&mut self, event: Event) {
        self.answer.events.push(event);
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("{}.{}:{}", self.mark, self.words, self.dice.pick(WORDS))
    }

    fn part(&self) -> u32 {
        u32::try_from(self.answer.pieces.len()).unwrap_or(u32::MAX)
    }

    fn prose(&mut self, kind: Kind) {
        let many = if self.dice.one_in(8) { 40 } else { 8 };
        let text = (0..self.dice.within(1, many)).fold(String::new(), |mut text, _| {
            let _ = write!(text, "{} ", self.word());
            text
        });
        self.piece(Piece { kind, name: SmolStr::default(), text: text.trim_end().to_owned() });
    }

    fn object(&mut self) -> String {
        let fields: Vec<String> =
            (0..self.dice.within(1, 4)).map(|n| format!("\"k{n}\":\"{}\"", self.word())).collect();
        format!("{{{}}}", fields.join(","))
    }

    fn json(&mut self) {
        let text = self.object();
        self.piece(Piece { kind: Kind::Text, name: SmolStr::default(), text });
    }

    fn tool(&mut self) {
        let name = SmolStr::from(format!("tool_{}", self.part()));
        let text = self.object();
        self.piece(Piece { kind: Kind::Tool, name, text });
    }

    /// Adds a piece, in deltas that are cut anywhere between two characters.
    fn piece(&mut self, piece: Piece) {
        let (choice, part) = (0, self.part());
        if piece.kind == Kind::Tool {
            let (id, name) = (format!("call_{}_{part}", self.mark.replace('.', "_")), piece.name.clone());
            self.push(Event::ToolStart { choice, part, id: id.into(), name, by: ToolBy::Client });
        }
        let characters: Vec<char> = piece.text.chars().collect();
        let mut rest = characters.as_slice();
        let longest = self.dice.pick([3, 12, 40, 400]);
        while !rest.is_empty() {
            let length = usize::try_from(self.dice.within(1, longest)).unwrap_or(1);
            let (now, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let delta: SmolStr = now.iter().copied().collect();
            self.push(match piece.kind {
                Kind::Reasoning => Event::Reasoning { choice, part, delta },
                Kind::Tool => Event::ToolInput { choice, part, delta },
                Kind::Text | Kind::Other => Event::Text { choice, part, delta },
            });
            rest = later;
        }
        self.push(Event::PartEnd { choice, part });
        self.answer.pieces.push(piece);
    }
}

/// What a caller has read of an answer.
#[derive(Debug, Default)]
pub(super) struct Reading {
    parts: Vec<Got>,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Arc<Usage>>,
}

#[derive(Debug)]
struct Got {
    number: u32,
    piece: Piece,
    closed: bool,
}

impl Reading {
    /// Takes an event in.
    pub(super) fn event(&mut self, event: &Event) {
        if let Some((_, number)) = event.part() {
            self.part(number, event);
        }
        match event {
            Event::Finish { finish, .. } => self.finish = Some(finish.clone()),
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            _ => {}
        }
    }

    fn part(&mut self, number: u32, event: &Event) {
        let kind = match event {
            Event::Text { .. } => Kind::Text,
            Event::Reasoning { .. } | Event::Signature { .. } => Kind::Reasoning,
            Event::ToolStart { .. } | Event::ToolInput { .. } => Kind::Tool,
            _ => Kind::Other,
        };
        let found = self.parts.iter().rposition(|got| got.number == number);
        if found.is_none() {
            let piece = Piece { kind, ..Piece::default() };
            self.parts.push(Got { number, piece, closed: false });
        }
        let at = found.unwrap_or(self.parts.len() - 1);
        let Some(got) = self.parts.get_mut(at) else { return };
        got.piece.text.push_str(event.delta().unwrap_or_default());
        match event {
            Event::ToolStart { name, .. } => got.piece.name = name.clone(),
            Event::PartEnd { .. } => got.closed = true,
            _ => {}
        }
    }

    /// True when no part has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many bytes of text, thinking and arguments it has.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|got| got.piece.text.len()).sum()
    }

    /// Its parts; texts in a row are one, as an answer that was gone on with may have it.
    fn pieces(&self) -> Vec<(Piece, bool)> {
        let mut pieces: Vec<(Piece, bool)> = Vec::with_capacity(self.parts.len());
        for Got { piece, closed, .. } in &self.parts {
            match pieces.last_mut() {
                Some((last, open)) if last.kind == Kind::Text && piece.kind == Kind::Text => {
                    last.text.push_str(&piece.text);
                    *open = *closed;
                }
                _ => pieces.push((piece.clone(), *closed)),
            }
        }
        pieces
    }

    /// True when this is the beginning of `answer`, or all of it.
    pub(super) fn is_prefix_of(&self, answer: &Answer) -> bool {
        let pieces = self.pieces();
        pieces.len() <= answer.pieces.len()
            && pieces.iter().zip(&answer.pieces).all(|((got, _), truth)| {
                let begins = truth.text.starts_with(&got.text);
                begins && got.kind == truth.kind && got.name == truth.name
            })
    }

    /// True when this is all of `answer`, each part closed.
    pub(super) fn is_whole(&self, answer: &Answer) -> bool {
        let pieces = self.pieces();
        pieces.len() == answer.pieces.len()
            && pieces.iter().zip(&answer.pieces).all(|((got, closed), truth)| *closed && got == truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::wire;

    #[test]
    fn an_answer_is_read_back_as_it_was_drawn_and_every_change_shows() {
        for seed in 0..50 {
            let has = Has { reasoning: true, tools: true };
            let answer = Answer::draw(&Dice::new(seed, 1), has, "c0.a0");
            let other = Answer::draw(&Dice::new(seed, 1), has, "c0.a1");
            let mut reading = Reading::default();
            for event in &answer.events {
                let complete = matches!(event, Event::Usage(_) | Event::Finish { .. });
                assert_eq!((reading.is_prefix_of(&answer), reading.is_whole(&answer)), (true, complete));
                reading.event(event);
            }
            assert!(reading.is_whole(&answer));
            assert!(!reading.is_prefix_of(&other), "another attempt's answer");
        }
    }

    #[test]
    fn every_wire_is_there() {
        let names: Vec<_> = wire::all().iter().map(|wire| wire.name()).collect();
        assert_eq!(names.len(), 9, "{names:?}");
    }
}
