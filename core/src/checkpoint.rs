//! A stream in flight as data: to be gone on with later, elsewhere, in any language.

use serde::{Deserialize, Serialize};

use crate::completion::{Completion, OpenPart};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Notice};
use crate::request::Request;

/// A stream in flight: what was asked, and what of the answer had been handed out. It outlives the process and
/// crosses languages as JSON; [`Client::resume`](crate::client::Client::resume) goes on with it.
///
/// It holds the request and the partial answer in plain text, and no credentials.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The version of this form: 1.
    pub version: u32,
    /// What was asked, with the options of the call.
    pub request: Request,
    /// What had been handed out of the answer, with the usage that was known.
    pub partial: Completion,
    /// The parts of it that had not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenPart>,
}

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

impl Checkpoint {
    /// A checkpoint of an answer of which `partial` was handed out.
    pub fn new(request: Request, partial: Completion, open: Vec<OpenPart>) -> Self {
        Checkpoint { version: VERSION, request, partial, open }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// `InvalidRequest` when it is none, or of a version this build does not read. The text is not quoted.
    pub fn from_json(text: &str) -> Result<Self> {
        let fault = |what: String| Error::new(ErrorKind::InvalidRequest, format!("checkpoint: {what}"));
        // The version first: the fields of another one are not ours to complain about.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let version: Versioned =
            serde_json::from_str(text).map_err(|e| fault(crate::message::json_fault(&e)))?;
        if version.version != VERSION {
            return Err(fault(format!(
                "version {} was written by another release; this one reads version {VERSION}",
                version.version
            )));
        }
        serde_json::from_str(text).map_err(|e| fault(crate::message::json_fault(&e)))
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The events that stand for the partial answer, parts numbered by their place. A part that had not ended is
    /// left open, and there is no `Finish`. Seams that were told are not told again: they would look like new ones.
    /// Empty when the provider had not begun to answer.
    pub fn events(&self) -> Vec<Event> {
        let mut partial = self.partial.clone();
        if partial == Completion::default() {
            return Vec::new();
        }
        partial.choices.iter_mut().for_each(|choice| choice.finish = None);
        partial.notices.retain(|notice| !matches!(notice, Notice::Continued { .. } | Notice::Restart { .. }));
        crate::completion::unfold_open(partial, &self.open)
    }
}

/// Request and answer are private: only their sizes print.
impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: usize = self.partial.choices.iter().map(|c| c.parts.len()).sum();
        f.debug_struct("Checkpoint")
            .field("version", &self.version)
            .field("messages", &self.request.messages.len())
            .field("parts", &parts)
            .field("open", &self.open)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::completion::Fold;

    #[test]
    fn a_checkpoint_comes_back_from_its_json_and_gives_the_partial_answer_as_events() {
        let events = [
            Event::Start { id: Some("a".into()), model: None },
            Event::Reasoning { choice: 0, part: 4, delta: "so".into() },
            Event::PartEnd { choice: 0, part: 4 },
            Event::Text { choice: 0, part: 7, delta: "The s".into() },
            Event::Text { choice: 0, part: 7, delta: "ky".into() },
        ];
        let mut fold = Fold::default();
        events.iter().for_each(|event| fold.event(event));
        let open = fold.open().to_vec();
        assert_eq!(open, [OpenPart { choice: 0, part: 7, at: 1 }]);
        let checkpoint = Checkpoint::new("Why?".into(), fold.into_completion(), open);
        let read = Checkpoint::from_json(&checkpoint.to_json()).unwrap();
        assert_eq!(read, checkpoint);
        assert_eq!(
            read.events(),
            [
                Event::Start { id: Some("a".into()), model: None },
                Event::Reasoning { choice: 0, part: 0, delta: "so".into() },
                Event::PartEnd { choice: 0, part: 0 },
                Event::Text { choice: 0, part: 1, delta: "The sky".into() },
            ]
        );
        assert_eq!(
            format!("{read:?}"),
            "Checkpoint { version: 1, messages: 1, parts: 2, open: [OpenPart { choice: 0, part: 7, at: 1 }] }"
        );
    }

    #[test]
    fn another_version_and_garbage_are_refused_without_being_quoted() {
        let of = |text: &str| Checkpoint::from_json(text).unwrap_err().message().to_owned();
        assert_eq!(
            of(r#"{"version": 2, "request": {}, "more": 1}"#),
            "checkpoint: version 2 was written by another release; this one reads version 1"
        );
        assert!(!of(r#"{"version": 1, "request": "sk-secret"}"#).contains("sk-secret"));
        assert!(of("nonsense").starts_with("checkpoint: "));
    }

    #[test]
    fn w2_a_seam_that_was_told_is_not_told_again() {
        let mut partial = Completion::of_text("so far");
        partial.notices = vec![
            Notice::Restart { reason: "cut".into() },
            Notice::Unterminated,
            Notice::Continued { reason: "cut".into(), by: crate::event::ContinuedBy::Prefix, overlap: 0 },
        ];
        let events = Checkpoint::new("Why?".into(), partial, Vec::new()).events();
        assert_eq!(events.first(), Some(&Event::Notice(Notice::Unterminated)));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Notice(_))).count(), 1);
    }

    #[test]
    fn nothing_handed_out_is_no_event() {
        assert!(Checkpoint::new("Why?".into(), Completion::default(), Vec::new()).events().is_empty());
    }
}
