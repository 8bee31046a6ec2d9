//! Errors of the runtime: in a whole answer, and as messages of a stream.

use belvedere_core::SmolStr;
use belvedere_core::error::Error;
use belvedere_core::provider::Frame;
use serde::Deserialize;

use crate::fault::{self, Head};
use crate::lax::Text;

/// The fields of an error, in the spellings AWS services use, and one of another shape.
#[derive(Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
#[derive(Default)]
struct Said<'a> {
    message: Text<'a>,
    #[serde(rename = "Message")]
    capital: Text<'a>,
    #[serde(rename = "__type")]
    kind: Text<'a>,
}

/// The error a message of a stream stands for; `None` for an event. `known` are the names of the wire's events.
///
/// Exceptions tell their name. Any other unknown name is an error when its payload has the shape of one, or is none
/// of the JSON that events are; else it is an event yet to be invented.
pub(super) fn of_frame(head: &Head, frame: Frame<'_>, known: &[&str], begun: bool) -> Option<Error> {
    let name = frame.name.unwrap_or_default();
    if known.contains(&name) {
        return None;
    }
    let text = String::from_utf8_lossy(frame.data);
    let shaped = || match serde_json::from_str::<Said<'_>>(&text) {
        Ok(said) => [said.message, said.capital, said.kind].iter().any(|text| text.get().is_some()),
        Err(_) => true,
    };
    if !name.ends_with("Exception") && !shaped() {
        return None;
    }
    let exception = Some(name).filter(|name| !name.is_empty()).map(SmolStr::from);
    let head = Head { exception: exception.or_else(|| head.exception.clone()), begun, ..head.clone() };
    Some(fault::of_body(&head, frame.data))
}
