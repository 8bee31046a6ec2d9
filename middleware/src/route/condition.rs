//! What a target may be asked after: the kinds of error that another target can answer.

use std::borrow::Cow;

use belvedere_core::error::{ErrorKind, Status};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kind of error after which a target is asked: the name of an [`ErrorKind`], such as `rate_limited`. All phases of
/// `timeout` are one.
///
/// ```
/// use belvedere_core::error::ErrorKind;
/// use belvedere_middleware::route::Condition;
///
/// let condition: Condition = serde_json::from_str(r#""context_too_long""#)?;
/// assert_eq!(Some(condition), Condition::new(ErrorKind::ContextTooLong));
/// assert_eq!(Condition::new(ErrorKind::Blocked), None, "a verdict is never absorbed");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Condition(ErrorKind);

impl Condition {
    /// After errors of this kind. `None` for `blocked` and `cancelled`, which are final.
    pub fn new(kind: ErrorKind) -> Option<Self> {
        (!is_final(kind)).then_some(Condition(kind))
    }

    /// Whether it holds after an error of this kind.
    pub(super) fn holds(self, kind: ErrorKind) -> bool {
        std::mem::discriminant(&self.0) == std::mem::discriminant(&kind)
    }

    fn names() -> Vec<&'static str> {
        let mut names: Vec<_> =
            ErrorKind::ALL.iter().filter(|kind| !is_final(**kind)).map(|kind| kind.name()).collect();
        names.dedup();
        names
    }
}

/// Whether nobody may answer in the place of who said this.
pub(super) fn is_final(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Blocked | ErrorKind::Cancelled)
}

/// Whether a target without conditions is asked after an error of this kind: it passes, or it is about the target
/// and not about the request.
pub(super) fn is_of_target(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    kind.status() == Status::Temporary
        || matches!(
            kind,
            ModelNotFound | Unauthorized | Forbidden | QuotaExhausted | ContextTooLong | Unsupported
        )
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let kind = ErrorKind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.and_then(Condition::new).ok_or_else(|| {
            let names = Condition::names().join(", ");
            serde::de::Error::custom(format!(
                "must be a kind of error that another target can answer: {names}"
            ))
        })
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": Condition::names(),
            "description": "A kind of error after which the target is asked.",
        })
    }
}
