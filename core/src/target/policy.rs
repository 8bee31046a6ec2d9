//! What may be sent to a target.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::error::{Error, ErrorKind, Result};
use crate::message::{MediaKind, Part, Role};
use crate::request::{Request, Scope};

/// The tag of a call's scope that says where its data must stay, such as `eu`.
pub const REGION: &str = "data_region";

/// What may be sent to a target. By default everything may, except data that must stay in a region.
///
/// It is checked before anything is written for the wire. What it forbids is `Unsupported`: this target does not
/// have what the request needs, another one may. The fields of `extra` are not looked into.
///
/// A call whose scope has the tag [`REGION`] goes only to a target whose `region` is that one or lies in it:
/// `eu-west-1` lies in `eu`. A target that does not say where it is takes no such call.
///
/// ```
/// use belvedere_core::target::Policy;
///
/// let policy: Policy = serde_json::from_str(
///     r#"{"modalities": ["text", "image"], "tenants": {"deny": ["acme"]}, "region": "eu-west-1"}"#,
/// )?;
/// assert_eq!(policy.region.as_deref(), Some("eu-west-1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// The kinds of content that may be sent; absent: all. Where some are missing, a part that only another
    /// program can read (`opaque`) is sent only if the model wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modalities: Option<BTreeSet<Modality>>,
    /// Whose data may be sent.
    pub tenants: Tenants,
    /// Where the target handles data, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub region: Option<SmolStr>,
}

/// A kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// Words: messages, instructions, tool calls and their results, texts to embed.
    Text,
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Documents.
    File,
}

/// Whose data may be sent: the tenant of the call's scope is held to both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Tenants {
    /// Only these; absent: all. A call without a tenant is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeSet<String>>")]
    pub allow: Option<BTreeSet<SmolStr>>,
    /// Never these.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "BTreeSet<String>")]
    pub deny: BTreeSet<SmolStr>,
}

impl Policy {
    /// Checks a request of a call with this scope.
    ///
    /// # Errors
    /// `Unsupported` saying which rule of the policy forbids it, and what it is about.
    pub fn check(&self, request: &Request, scope: &Scope) -> Result<()> {
        self.tenants.check(scope)?;
        self.check_region(scope)?;
        match &self.modalities {
            Some(allowed) => check_modalities(allowed, request),
            None => Ok(()),
        }
    }

    fn check_region(&self, scope: &Scope) -> Result<()> {
        let Some(required) = scope.tags.get(REGION) else { return Ok(()) };
        let Some(own) = &self.region else {
            let message =
                "policy.region: the call's data must stay in a region, and the target does not say its";
            return Err(forbidden(message).with("required", required.as_str()));
        };
        let inside = own
            .strip_prefix(required.as_str())
            .is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'-', ..]));
        if inside && !required.is_empty() {
            return Ok(());
        }
        let error =
            forbidden("policy.region: the call's data must stay in a region that the target is not in");
        Err(error.with("required", required.as_str()).with("region", own.as_str()))
    }
}

impl Tenants {
    fn check(&self, scope: &Scope) -> Result<()> {
        let allowed =
            |list: &BTreeSet<SmolStr>| scope.tenant.as_ref().is_some_and(|tenant| list.contains(tenant));
        if allowed(&self.deny) {
            return Err(forbidden("policy.tenants.deny: the target takes no data of this tenant"));
        }
        match &self.allow {
            Some(list) if !allowed(list) => {
                Err(forbidden("policy.tenants.allow: the target takes data of other tenants only"))
            }
            _ => Ok(()),
        }
    }
}

fn forbidden(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

fn check_modalities(allowed: &BTreeSet<Modality>, request: &Request) -> Result<()> {
    if !request.input.is_empty() && !allowed.contains(&Modality::Text) {
        return Err(forbidden("policy.modalities: the target may not be sent text").with("at", "input"));
    }
    for (i, message) in request.messages.iter().enumerate() {
        for (j, part) in message.parts.iter().enumerate() {
            if let Some(what) = part_not_in(allowed, part, message.role) {
                let error = forbidden(format!("policy.modalities: the target may not be sent {what}"));
                return Err(error.with("at", format!("messages[{i}].content[{j}]")));
            }
        }
    }
    Ok(())
}

/// What a part holds that is not allowed.
fn part_not_in(allowed: &BTreeSet<Modality>, part: &Part, role: Role) -> Option<&'static str> {
    let lacks = |modality, what| (!allowed.contains(&modality)).then_some(what);
    match part {
        Part::Media(media) => match media.kind {
            MediaKind::Image => lacks(Modality::Image, "images"),
            MediaKind::Audio => lacks(Modality::Audio, "audio"),
            MediaKind::Video => lacks(Modality::Video, "video"),
            MediaKind::File => lacks(Modality::File, "files"),
        },
        Part::ToolResult { content, .. } => content.iter().find_map(|part| part_not_in(allowed, part, role)),
        Part::Opaque { .. } if role != Role::Assistant => {
            (allowed.len() < ALL).then_some("parts that may hold anything")
        }
        _ => lacks(Modality::Text, "text"),
    }
}

/// How many kinds of content there are.
const ALL: usize = 5;
