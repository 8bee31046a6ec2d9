//! The arguments of a function call that come piece by piece, each under a JSON path (RFC 9535).
//!
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc>

use belvedere_core::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::wire::PartialArg;

/// How deep a path may go: what JSON itself may nest here, so that what is built can be read again.
const DEPTH: usize = 120;

/// Arguments in the making.
#[derive(Debug, Default)]
pub(super) struct Pieces(Map<String, Value>);

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

impl Pieces {
    /// What is there before the first piece.
    pub(super) fn of(args: Option<&str>) -> Self {
        Pieces(args.and_then(|args| serde_json::from_str(args).ok()).unwrap_or_default())
    }

    /// Takes a piece in: text grows, anything else is set.
    ///
    /// # Errors
    /// `Malformed` when its path leads nowhere.
    pub(super) fn take(&mut self, piece: &PartialArg<'_>) -> Result<()> {
        let path = steps(&piece.json_path.0).ok_or_else(|| malformed("a path that is none"))?;
        let mut members = Some(&mut self.0);
        let mut place: Option<&mut Value> = None;
        for step in path {
            let next = match (step, members.take(), place) {
                (Step::Member(name), Some(members), _) => members.entry(name).or_insert(Value::Null),
                (step, _, Some(inner)) => descend(inner, step)?,
                _ => return Err(malformed("a path that leads into no object")),
            };
            place = Some(next);
        }
        let place = place.ok_or_else(|| malformed("a path that names no argument"))?;
        match (place, &piece.string_value, piece.number_value.or(piece.bool_value)) {
            (Value::String(text), Some(more), _) => text.push_str(&more.0),
            (place, Some(text), _) => *place = Value::String(text.0.clone().into_owned()),
            (place, None, Some(raw)) => *place = serde_json::from_str(raw.get()).unwrap_or_default(),
            // A text that came before only ends here.
            (Value::String(_), None, None) => {}
            (place, None, None) => *place = Value::Null,
        }
        Ok(())
    }

    /// The arguments as JSON text. What was `cut` off does not pass for whole: its brackets stay open.
    pub(super) fn into_text(self, cut: bool) -> String {
        let text = Value::Object(self.0).to_string();
        match cut {
            true => text.trim_end_matches(['"', '}', ']']).to_owned(),
            false => text,
        }
    }
}

/// The place one step further in, made where there is none. An element is the next one or one that is there.
fn descend(value: &mut Value, step: Step) -> Result<&mut Value> {
    if value.is_null() {
        *value = match step {
            Step::Member(_) => Value::Object(Map::new()),
            Step::Element(_) => Value::Array(Vec::new()),
        };
    }
    match (value, step) {
        (Value::Object(members), Step::Member(name)) => Ok(members.entry(name).or_insert(Value::Null)),
        (Value::Array(items), Step::Element(at)) => {
            if at == items.len() {
                items.push(Value::Null);
            }
            items.get_mut(at).ok_or_else(|| malformed("an element that leaves a gap"))
        }
        _ => Err(malformed("a path that leads through a value of another kind")),
    }
}

/// The steps of `$.a.b[0]['c d']`; `None` when it is not such a path.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, tail) = match rest.strip_prefix('.') {
            Some(name) => {
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (name, tail) = name.split_at_checked(end)?;
                (Step::Member(name.to_owned()), tail)
            }
            None => bracket(rest.strip_prefix('[')?)?,
        };
        if steps.len() == DEPTH || step == Step::Member(String::new()) {
            return None;
        }
        steps.push(step);
        rest = tail;
    }
    Some(steps)
}

/// What stands in brackets, and what follows them.
fn bracket(rest: &str) -> Option<(Step, &str)> {
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        let (index, tail) = rest.split_once(']')?;
        return Some((Step::Element(index.parse().ok()?), tail));
    };
    let mut name = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => name.push(characters.next()?.1),
            c if c == quote => {
                let tail = rest.get(at + c.len_utf8()..)?;
                return Some((Step::Member(name), tail.strip_prefix(']')?));
            }
            c => name.push(c),
        }
    }
    None
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("a piece of a function call has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn built(pieces: &[Value]) -> Result<Value> {
        let mut all = Pieces::default();
        for piece in pieces {
            let text = piece.to_string();
            all.take(&serde_json::from_str(&text).unwrap())?;
        }
        Ok(serde_json::from_str(&all.into_text(false)).unwrap())
    }

    #[test]
    fn pieces_build_every_kind_of_value() {
        let built = built(&[
            json!({"jsonPath": "$.a", "stringValue": "x", "willContinue": true}),
            json!({"jsonPath": "$.a", "stringValue": "y"}),
            json!({"jsonPath": "$.b.c[0]", "numberValue": 1.5}),
            json!({"jsonPath": "$.b.c[1].d", "boolValue": true}),
            json!({"jsonPath": "$['e f']['g\\'h']", "nullValue": "NULL_VALUE"}),
        ]);
        assert_eq!(built.unwrap(), json!({"a": "xy", "b": {"c": [1.5, {"d": true}]}, "e f": {"g'h": null}}));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        let deep = format!("$.a{}", "[0]".repeat(DEPTH));
        for path in ["", "a", "$", "$[0]", "$.a[4000000000]", "$.a[x]", "$..a", "$['a", "$.a.", deep.as_str()]
        {
            let error = built(&[json!({"jsonPath": path, "stringValue": "x"})]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{path}");
        }
        let through = [json!({"jsonPath": "$.a", "boolValue": true}), json!({"jsonPath": "$.a.b"})];
        assert!(built(&through).is_err());
    }

    #[test]
    fn what_was_cut_off_does_not_pass_for_whole() {
        let mut pieces = Pieces::of(Some("{\"a\": {\"b\": \"c\"}}"));
        pieces
            .take(&serde_json::from_str("{\"jsonPath\": \"$.d\", \"stringValue\": \"e\"}").unwrap())
            .unwrap();
        assert_eq!(pieces.into_text(true), "{\"a\":{\"b\":\"c\"},\"d\":\"e");
    }
}
