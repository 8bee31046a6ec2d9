//! Whose calls are counted together.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;

use belvedere_core::request::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, SmolStrBuilder};

/// A part of a call's scope that quotas are kept by. Its text is `tenant`, `project`, `user`, `session`, or `tags.team`
/// for the tag `team`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Per {
    /// The tenant.
    Tenant,
    /// The project.
    Project,
    /// The user.
    User,
    /// The session.
    Session,
    /// A tag.
    Tag(SmolStr),
}

impl Per {
    /// Its text, in two parts: the second is the name of a tag.
    fn name(&self) -> (&'static str, &str) {
        match self {
            Per::Tenant => ("tenant", ""),
            Per::Project => ("project", ""),
            Per::User => ("user", ""),
            Per::Session => ("session", ""),
            Per::Tag(name) => ("tags.", name),
        }
    }

    fn of<'a>(&self, scope: &'a Scope) -> Option<&'a SmolStr> {
        match self {
            Per::Tenant => scope.tenant.as_ref(),
            Per::Project => scope.project.as_ref(),
            Per::User => scope.user.as_ref(),
            Per::Session => scope.session.as_ref(),
            Per::Tag(name) => scope.tags.get(name),
        }
    }
}

impl FromStr for Per {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "tenant" => Per::Tenant,
            "project" => Per::Project,
            "user" => Per::User,
            "session" => Per::Session,
            _ => match text.strip_prefix("tags.") {
                Some(name) if !name.is_empty() => Per::Tag(name.into()),
                _ => {
                    return Err(
                        "must be `tenant`, `project`, `user`, `session`, or `tags.` and a name".to_owned()
                    );
                }
            },
        })
    }
}

impl TryFrom<String> for Per {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Per> for String {
    fn from(per: Per) -> String {
        per.to_string()
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, tag) = self.name();
        f.write_str(name)?;
        f.write_str(tag)
    }
}

impl JsonSchema for Per {
    fn schema_name() -> Cow<'static, str> {
        "Per".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(tenant|project|user|session|tags\\..+)$",
            "description": "A part of the scope: `tenant`, `project`, `user`, `session`, or `tags.team` for a tag.",
        })
    }
}

/// Whose quota it is: `tenant=acme,user=ann`. Two scopes have the same key only if they agree in every part that is
/// counted by; a part that a scope lacks is a value of its own, so nobody evades a quota by leaving it out.
///
/// It is the one key for checks, reservations and readings, and is made in one way only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(SmolStr);

/// The key of all calls together.
const ALL: &str = "all";

impl Key {
    /// The key of a scope.
    pub fn of(per: &[Per], scope: &Scope) -> Self {
        if per.is_empty() {
            return Key(SmolStr::new_static(ALL));
        }
        let mut key = SmolStrBuilder::new();
        for (i, part) in per.iter().enumerate() {
            if i > 0 {
                key.push(',');
            }
            let (name, tag) = part.name();
            key.push_str(name);
            key.push_str(tag);
            if let Some(value) = part.of(scope) {
                key.push('=');
                push_escaped(&mut key, value);
            }
        }
        Key(key.finish())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text, shared.
    pub(crate) fn text(&self) -> &SmolStr {
        &self.0
    }
}

/// A value without the signs that part a key, or the paths that keys are part of.
fn push_escaped(key: &mut SmolStrBuilder, value: &str) {
    if !value.contains(['%', ',', '=', '/']) {
        return key.push_str(value);
    }
    for sign in value.chars() {
        match sign {
            '%' | ',' | '=' | '/' => {
                let _ = write!(key, "%{:02X}", u32::from(sign));
            }
            _ => key.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(json: &str) -> Scope {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn q6_a_key_is_made_in_one_way_and_says_whose_it_is() {
        let per: Vec<Per> = serde_json::from_str(r#"["tenant", "user", "tags.team"]"#).unwrap();
        let key = |json| Key::of(&per, &scope(json)).as_str().to_owned();
        assert_eq!(
            key(r#"{"tenant": "acme", "user": "ann", "tags": {"team": "a"}}"#),
            "tenant=acme,user=ann,tags.team=a"
        );
        assert_eq!(
            key(r#"{"tenant": "acme"}"#),
            "tenant=acme,user,tags.team",
            "what is absent is its own value"
        );
        assert_eq!(key(r#"{"tenant": "", "session": "s"}"#), "tenant=,user,tags.team");
        assert_eq!(key(r#"{"tenant": "a,user=b/%"}"#), "tenant=a%2Cuser%3Db%2F%25,user,tags.team");
        assert_eq!(Key::of(&[], &scope(r#"{"tenant": "acme"}"#)).as_str(), "all");
    }

    #[test]
    fn what_is_no_part_of_a_scope_is_refused_with_words() {
        let error = serde_json::from_str::<Per>(r#""tennant""#).unwrap_err().to_string();
        assert_eq!(error, "must be `tenant`, `project`, `user`, `session`, or `tags.` and a name");
        assert!("tags.".parse::<Per>().is_err());
        assert_eq!(serde_json::to_string(&Per::Tag("team".into())).unwrap(), r#""tags.team""#);
    }
}
