//! A document without its faulty parts, so that the rest of it can be read.

use serde_json::Value;

use super::{Findings, is_below};

/// A document whose faulty parts are hidden: a field is left out, and in the place of an item of a list stands another
/// item, so that all others keep their numbers.
pub(super) struct Mask<'a> {
    document: Value,
    /// Its path in the whole document.
    root: &'a str,
    /// Where faults were found.
    known: Vec<String>,
    /// Paths of items, and the items that took their places.
    stand_ins: Vec<(String, usize)>,
}

impl<'a> Mask<'a> {
    pub(super) fn new(document: Value, root: &'a str) -> Self {
        Mask { document, root, known: Vec::new(), stand_ins: Vec::new() }
    }

    /// What is left.
    pub(super) fn document(&self) -> &Value {
        &self.document
    }

    /// Takes note of a fault in a part that can be read all the same.
    pub(super) fn know(&mut self, path: &str) {
        self.known.push(path.to_owned());
    }

    /// Whether nothing is known to be wrong.
    pub(super) fn is_whole(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether a fault is known of there, below, or above: what is found there follows from it.
    pub(super) fn is_near(&self, path: &str) -> bool {
        self.known.iter().any(|known| is_below(path, known) || is_below(known, path))
    }

    /// Hides what stands there, or the part around it when nothing stands there any more. False: nothing is left.
    pub(super) fn hide(&mut self, path: &str) -> bool {
        let mut at = path;
        loop {
            let Some((around, name)) = split(at).filter(|(around, _)| is_below(around, self.root)) else {
                return false;
            };
            if self.hide_in(around, name, at) {
                self.known.push(at.to_owned());
                return true;
            }
            at = around;
        }
    }

    fn hide_in(&mut self, around: &str, name: &str, path: &str) -> bool {
        let (document, known, stand_ins) = (&mut self.document, &self.known, &mut self.stand_ins);
        let items = match find(document, self.root, around) {
            Some(Value::Object(map)) => return map.remove(name).is_some(),
            Some(Value::Array(items)) => items,
            _ => return false,
        };
        // What was tried had a fault, too, that was not known of then.
        let is_tried = |i: usize| stand_ins.iter().any(|(of, tried)| of == path && *tried == i);
        let is_known = |i: usize| known.iter().any(|known| is_below(known, &format!("{around}[{i}]")));
        let index = name.parse::<usize>().unwrap_or(usize::MAX);
        let other = (0..items.len()).find(|i| *i != index && !is_known(*i) && !is_tried(*i));
        let Some((other, item)) = other.and_then(|other| Some((other, items.get(other)?.clone()))) else {
            return false;
        };
        stand_ins.push((path.to_owned(), other));
        items.get_mut(index).map(|place| *place = item).is_some()
    }

    /// The findings that don't follow from what was known before.
    pub(super) fn others(&self, findings: Findings) -> Findings {
        Findings(findings.0.into_iter().filter(|(path, _)| !self.is_near(path)).collect())
    }
}

/// What is around the last name or number of a path, and that name or number.
fn split(path: &str) -> Option<(&str, &str)> {
    match path.strip_suffix(']') {
        Some(open) => open.rsplit_once('['),
        None => path.rsplit_once('.'),
    }
}

/// The part of `value`, which stands at `here`, that stands at `path`.
fn find<'v>(value: &'v mut Value, here: &str, path: &str) -> Option<&'v mut Value> {
    if here == path {
        return Some(value);
    }
    let (around, name) = split(path).filter(|(around, _)| is_below(around, here))?;
    match find(value, here, around)? {
        Value::Object(map) => map.get_mut(name),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_left_out_and_an_item_gives_way_to_another() {
        let document = json!({ "a": 1, "list": [{ "b": 1 }, { "b": 2, "c": 3 }], "deep": { "d": [1] } });
        let mut mask = Mask::new(document, "layers[0]");
        assert!(mask.hide("layers[0].a") && mask.hide("layers[0].list[0].b"));
        assert_eq!(mask.document(), &json!({ "list": [{}, { "b": 2, "c": 3 }], "deep": { "d": [1] } }));
        assert!(mask.hide("layers[0].list[0].b"), "nothing stands there any more: the item goes");
        assert_eq!(mask.document()["list"], json!([{ "b": 2, "c": 3 }, { "b": 2, "c": 3 }]));
        assert!(!mask.is_near("layers[0].list[1].c"), "not by what stands in for another");
        assert!(mask.hide("layers[0].deep.d[0]"), "the only item of its list");
        assert_eq!(mask.document()["deep"], json!({}));
        assert!(mask.is_near("layers[0].list[0].c"), "it stands for another");
        assert!(!mask.hide("layers[0]") && !mask.hide("layers[1].a"));
    }
}
