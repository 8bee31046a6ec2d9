//! An item of a streamed answer that is being written: the parts it has so far.

use belvedere_core::SmolStr;
use belvedere_core::event::Event;
use belvedere_core::message::{Media, MediaSource, Part};
use bytes::BytesMut;
use serde_json::Map;

use super::output::is_image_item;

/// The items that hold more than one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Message,
    Reasoning,
    Call,
    /// An item of its own kind, with the image that it made.
    Apart,
}

/// An item.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) family: Family,
    pub(super) id: String,
    /// Its place in the output, once it was told of.
    pub(super) index: Option<usize>,
    pub(super) is_custom: bool,
    pub(super) done: bool,
    /// Each part under its number in the stream.
    pub(super) parts: Vec<Piece>,
}

/// A part.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) number: u32,
    /// It was told that it begins.
    pub(super) begun: bool,
    pub(super) ended: bool,
    pub(super) part: Part,
}

impl Family {
    /// The kind of item that an event belongs to; `None` for one that belongs to none.
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Text { .. } | Event::Refusal { .. } => Family::Message,
            Event::Reasoning { .. } | Event::Signature { .. } => Family::Reasoning,
            Event::ToolStart { .. } | Event::ToolInput { .. } => Family::Call,
            Event::Opaque { .. } | Event::Media { .. } => Family::Apart,
            _ => return None,
        })
    }
}

impl Running {
    pub(super) fn new(family: Family, id: String) -> Self {
        Running { family, id, index: None, is_custom: false, done: false, parts: Vec::new() }
    }

    /// True when a new part joins this item. Parts of one item are open together: a wire that has items ends them
    /// together, and one that has none ends each part before the next.
    pub(super) fn takes(&self, event: &Event) -> bool {
        match Family::of(event) {
            _ if self.done => false,
            Some(Family::Apart) => matches!(event, Event::Media { .. }) && self.waits(),
            Some(Family::Call) | None => false,
            family => family == Some(self.family) && self.parts.iter().any(|piece| !piece.ended),
        }
    }

    /// True for an item whose image is still to come.
    pub(super) fn waits(&self) -> bool {
        matches!(self.parts.as_slice(), [piece] if is_image_item(&piece.part))
    }

    /// True once all parts have ended and none is waited for.
    pub(super) fn is_over(&self) -> bool {
        !self.done && self.parts.iter().all(|piece| piece.ended) && !self.waits()
    }

    /// Takes an event in, which may begin a part. Gives the part's place.
    pub(super) fn event(&mut self, event: &Event, number: u32) -> Option<usize> {
        let place = match self.parts.iter().position(|piece| piece.number == number) {
            Some(place) => place,
            None => {
                self.parts.push(Piece { number, begun: false, ended: false, part: begun(event)? });
                return Some(self.parts.len() - 1);
            }
        };
        let piece = self.parts.get_mut(place)?;
        match (&mut piece.part, event) {
            (Part::Text { text, .. }, Event::Text { delta, .. })
            | (Part::Refusal { text }, Event::Refusal { delta, .. })
            | (Part::Reasoning { text, .. }, Event::Reasoning { delta, .. })
            | (Part::ToolCall { input: text, .. }, Event::ToolInput { delta, .. }) => text.push_str(delta),
            (Part::Reasoning { signature, wire, .. }, Event::Signature { delta, wire: of, .. }) => {
                signature.get_or_insert_default().push_str(delta);
                wire.clone_from(of);
            }
            (Part::Media(media), Event::Media { media: more, .. }) => append(media, more),
            (
                Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. },
                Event::Extra { extra: more, .. },
            ) => extra.extend((**more).clone()),
            (_, Event::PartEnd { .. }) => piece.ended = true,
            _ => {}
        }
        Some(place)
    }
}

/// The part that an event begins.
fn begun(event: &Event) -> Option<Part> {
    Some(match event {
        Event::Text { delta, .. } => Part::text(delta.as_str()),
        Event::Refusal { delta, .. } => Part::Refusal { text: delta.to_string() },
        Event::Reasoning { delta, .. } => Part::reasoning(delta.as_str()),
        Event::Signature { delta, wire, .. } => Part::Reasoning {
            text: String::new(),
            signature: Some(delta.to_string()),
            wire: wire.clone(),
            extra: Map::new(),
        },
        Event::ToolStart { id, name, by, .. } => Part::ToolCall {
            id: id.clone(),
            name: name.clone(),
            input: String::new(),
            by: *by,
            extra: Map::new(),
        },
        Event::Opaque { kind, data, wire, .. } => {
            Part::opaque(wire.clone(), SmolStr::clone(kind), (**data).clone())
        }
        Event::Media { media, .. } => Part::Media((**media).clone()),
        _ => return None,
    })
}

fn append(media: &mut Media, more: &Media) {
    if let (MediaSource::Data { data: all, .. }, MediaSource::Data { data: new, .. }) =
        (&mut media.source, &more.source)
    {
        let mut joined = BytesMut::with_capacity(all.len() + new.len());
        joined.extend_from_slice(all);
        joined.extend_from_slice(new);
        *all = joined.freeze();
    }
}
