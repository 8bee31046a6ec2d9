//! What is asked of the next attempt.

use belvedere_core::completion::Fold;
use belvedere_core::event::{ContinuedBy, Event, Notice};
use belvedere_core::message::Part;
use belvedere_core::request::{Operation, Request, ResponseFormat};

use super::Policy;
use super::again::Again;
use super::joint::{Continued, Joint, Rest};
use super::partial::Partial;

/// What is asked of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The answer; nothing of it was handed out.
    Anew,
    /// A whole new answer.
    Restart,
    /// The answer again, without what was handed out.
    Again,
    /// The answer from where it broke.
    On(ContinuedBy),
}

/// What is said where an attempt joins.
#[derive(Debug)]
pub(super) struct Mark {
    /// Why there is another attempt.
    pub(super) reason: String,
    /// What else there is to say.
    pub(super) notices: Vec<Event>,
}

impl Way {
    /// What is asked for after this was handed out. `is_bound`: nothing but the same request may be sent.
    pub(super) fn after(handed: &Fold, request: &Request, policy: Policy, is_bound: bool) -> Self {
        if !handed.is_started() {
            return Way::Anew;
        }
        let has_media = |parts: &[Part]| parts.iter().any(|part| matches!(part, Part::Media(_)));
        let is_one = match handed.completion().choices.as_slice() {
            [one] => one.index == 0 && !has_media(&one.parts),
            _ => false,
        };
        let is_chat = request.operation == Operation::Chat && request.n.is_none_or(|n| n <= 1);
        if policy != Policy::Continue || !is_one || !is_chat {
            return Way::Restart;
        }
        // A beginning that the caller gave is not ours to lengthen.
        match is_bound || request.continue_final_message || Partial::of(handed).is_none() {
            true => Way::Again,
            false => Way::On(ContinuedBy::Prefix),
        }
    }

    /// Whether it is asked to go on.
    pub(super) fn is_on(self) -> bool {
        matches!(self, Way::On(_))
    }

    /// What is asked of a target that can't do this. One that is held to a form would write the whole value.
    pub(super) fn lower(self, request: &Request) -> Self {
        match self {
            Way::On(ContinuedBy::Prefix) if !is_json(request) => Way::On(ContinuedBy::Request),
            _ => Way::Again,
        }
    }

    /// The request, and how its answer joins what was handed out.
    pub(super) fn ask(self, request: Request, handed: &Fold, ask: &str, mark: Mark) -> (Request, Joint) {
        let Mark { reason, mut notices } = mark;
        let partial = Partial::of(handed);
        match (self, partial) {
            (Way::Anew, _) => (request, Joint::fresh(notices)),
            (Way::Restart, _) => {
                notices.insert(0, Event::Notice(Notice::Restart { reason }));
                (request, Joint::fresh(notices))
            }
            (Way::On(by), Some(partial)) => {
                let json = is_json(&request);
                let continued = Continued { reason, by, notices };
                let request = partial.request(request, by, ask);
                let joint = match partial.open {
                    Some(open) => Joint::Rest(Box::new(Rest::new(&partial, open, continued, handed, json))),
                    None => Joint::Again(Box::new(Again::behind(partial, continued, handed))),
                };
                (request, joint)
            }
            (Way::Again | Way::On(_), _) => {
                let continued = Continued { reason, by: ContinuedBy::Again, notices };
                (request, Joint::Again(Box::new(Again::whole(continued, handed))))
            }
        }
    }
}

/// Whether the answer is to be JSON.
fn is_json(request: &Request) -> bool {
    matches!(request.response_format, Some(ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. }))
}
