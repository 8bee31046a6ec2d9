//! Finding the recorded exchange that answers a request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::Sent;

/// How a request is compared with recorded ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Matching {
    /// What of the body must be equal. Default `canonical`.
    pub body: Compare,
    /// Headers that must be equal, beside method and address. Default: `content-type`.
    pub headers: Vec<String>,
    /// Fields of the body that may differ, with `body: canonical`: paths as in
    /// [`Scrub::fields`](super::Scrub::fields).
    pub ignore: Vec<String>,
    /// True: requests come in the order they were recorded. Default false: the first unused exchange that fits.
    pub in_order: bool,
    /// True: an exchange answers any number of requests. Default false: one.
    pub repeat: bool,
}

/// What of two bodies must be equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compare {
    /// Every byte.
    Exact,
    /// The JSON value: neither the order of fields nor the form of numbers counts. Bodies that are no JSON are
    /// compared byte by byte.
    #[default]
    Canonical,
}

impl Default for Matching {
    fn default() -> Self {
        Matching {
            body: Compare::Canonical,
            headers: vec!["content-type".into()],
            ignore: Vec::new(),
            in_order: false,
            repeat: false,
        }
    }
}

impl Matching {
    /// Every byte of the body counts.
    pub fn exact() -> Self {
        Matching { body: Compare::Exact, ..Matching::default() }
    }

    /// Where two requests differ, the most telling places first; nothing when they match.
    pub(super) fn differences(&self, asked: &Sent, recorded: &Sent) -> Vec<String> {
        let mut found = Vec::new();
        if asked.method != recorded.method {
            found.push("method".to_owned());
        }
        if asked.url != recorded.url {
            found.push("url".to_owned());
        }
        for name in &self.headers {
            let name = name.to_ascii_lowercase();
            if asked.headers.get(&name) != recorded.headers.get(&name) {
                found.push(format!("headers.{name}"));
            }
        }
        if asked.body == recorded.body {
            return found;
        }
        let json = |sent: &Sent| serde_json::from_slice::<Value>(&sent.body.0).ok();
        match (self.body, json(asked), json(recorded)) {
            (Compare::Canonical, Some(one), Some(other)) => {
                let ignore: Vec<Vec<&str>> =
                    self.ignore.iter().map(|path| path.split('.').collect()).collect();
                differ(&one, &other, &mut Vec::new(), &ignore, &mut found);
            }
            _ => found.push("body".to_owned()),
        }
        found
    }
}

fn differ(one: &Value, other: &Value, path: &mut Vec<String>, ignore: &[Vec<&str>], found: &mut Vec<String>) {
    let is_ignored = |rule: &Vec<&str>| {
        rule.len() == path.len()
            && rule.iter().zip(path.iter()).all(|(step, own)| *step == "*" || step == own)
    };
    if ignore.iter().any(is_ignored) {
        return;
    }
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                path.push(name.clone());
                let absent = &Value::Null;
                differ(a.get(name).unwrap_or(absent), b.get(name).unwrap_or(absent), path, ignore, found);
                path.pop();
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                path.push(i.to_string());
                differ(a, b, path, ignore, found);
                path.pop();
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        _ => found.push(format!("body.{}", path.join("."))),
    }
}
