//! What the length of an answer is measured against.

use serde_json::Value;

use crate::request::{Request, ResponseFormat};

/// A bound on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// None is known.
    Unknown,
    /// So many tokens.
    Tokens(u64),
    /// An object with so many properties.
    Properties(u64),
}

impl Bound {
    /// The bound that a request sets: its schema's before its `max_tokens`.
    pub(super) fn of(request: &Request) -> Self {
        if let Some(ResponseFormat::JsonSchema { json_schema }) = &request.response_format {
            let properties = json_schema.schema.as_ref().and_then(|schema| schema.get("properties"));
            match properties.and_then(Value::as_object) {
                Some(map) if !map.is_empty() => return Bound::Properties(map.len() as u64),
                _ => {}
            }
        }
        request.max_tokens.filter(|max| *max > 0).map_or(Bound::Unknown, Bound::Tokens)
    }

    /// How much of it there is, 0 to 1.
    pub(super) fn fraction(self, tokens: u64, properties: u64) -> Option<f64> {
        let of = |count: u64, all: u64| (count as f64 / all as f64).min(1.0);
        match self {
            Bound::Unknown => None,
            Bound::Tokens(all) => Some(of(tokens, all)),
            Bound::Properties(all) => Some(of(properties, all)),
        }
    }
}

/// Counts the properties of a JSON object that are complete, from its text in pieces.
#[derive(Debug, Default)]
pub(super) struct Properties {
    depth: u32,
    in_string: bool,
    escaped: bool,
    complete: u64,
    /// The value of a property has begun since the last comma.
    begun: bool,
}

impl Properties {
    /// Takes a piece of the text in; gives how many properties are complete.
    pub(super) fn feed(&mut self, text: &str) -> u64 {
        text.bytes().for_each(|byte| self.byte(byte));
        self.complete
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b':' if self.depth == 1 => self.begun = true,
            b'{' | b'[' => self.depth += 1,
            b',' if self.depth == 1 => self.end_property(),
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_property();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn end_property(&mut self) {
        self.complete += u64::from(std::mem::take(&mut self.begun));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::request::Schema;

    #[test]
    fn properties_count_when_their_value_is_complete() {
        let text = r#"{"a": "x,\"}", "b": {"c": [1, 2], "d": 3}, "e": 1}"#;
        let mut properties = Properties::default();
        let counts: Vec<u64> = text.split_inclusive(", ").map(|piece| properties.feed(piece)).collect();
        assert_eq!(counts, [1, 1, 1, 2, 3]);
        assert_eq!(Properties::default().feed("{}"), 0);
    }

    #[test]
    fn a_schema_goes_before_a_token_limit() {
        let mut request = Request::from("hi");
        assert_eq!(Bound::of(&request), Bound::Unknown);
        request.max_tokens = Some(50);
        assert_eq!(Bound::of(&request), Bound::Tokens(50));
        let schema = json!({"type": "object", "properties": {"a": {}, "b": {}}});
        let json_schema = Schema::new("pair", schema);
        request.response_format = Some(ResponseFormat::JsonSchema { json_schema });
        assert_eq!(Bound::of(&request), Bound::Properties(2));
        assert_eq!(Bound::Tokens(50).fraction(80, 0), Some(1.0));
        assert_eq!(Bound::Properties(2).fraction(80, 1), Some(0.5));
    }
}
