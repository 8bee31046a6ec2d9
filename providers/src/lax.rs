//! Lenient reading: a field of an unexpected type counts as absent, so that no odd field costs an answer.
//!
//! Compatible servers send `null`, `""`, `{}` and `[]` where the specification has text, numbers or objects.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Text, borrowed from the frame where no escape stands in the way. Anything but a string is empty text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

/// A count or an index. Anything that is not a small enough, non-negative whole number is absent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Int(pub(crate) Option<u32>);

/// An object of a known shape. Anything but an object is absent.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

/// A list of objects of a known shape. Anything but a list is empty; items that are no objects are left out.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// Text that a sloppy server may send as the value it stands for.
#[derive(Debug, Default, Clone)]
pub(crate) struct JsonText<'a>(pub(crate) Cow<'a, str>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Object(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<'a> Text<'a> {
    /// The text, unless it is empty.
    pub(crate) fn get(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty())
    }
}

/// The text of a frame. Bad bytes stand for U+FFFD, and so does half of a character, an escape such as `\ud83d` that
/// lacks its other half: no text can hold it. Servers that send a token at a time cut characters in two.
pub(crate) fn text_of(frame: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(frame) {
        Ok(text) => mended(text),
        Err(_) => Cow::Owned(mended(&String::from_utf8_lossy(frame)).into_owned()),
    }
}

fn mended(json: &str) -> Cow<'_, str> {
    // Most frames have no escape at all: this looks at many bytes at once.
    if !json.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(json);
    }
    let (mut mended, mut copied, mut from) = (String::new(), 0, 0);
    while let Some(found) = json.get(from..).and_then(|rest| rest.find('\\')) {
        let escape = from + found;
        let length = match half(json, escape) {
            None => 2,
            Some(Half::First) if half(json, escape + 6) == Some(Half::Second) => 12,
            Some(_) => {
                mended.push_str(json.get(copied..escape).unwrap_or_default());
                mended.push_str("\\ufffd");
                copied = escape + 6;
                6
            }
        };
        from = escape + length;
    }
    match copied {
        0 => Cow::Borrowed(json),
        _ => Cow::Owned(mended + json.get(copied..).unwrap_or_default()),
    }
}

/// Which half of a character an escape is.
#[derive(PartialEq, Eq)]
enum Half {
    First,
    Second,
}

/// The half that stands at `escape`, if one does (RFC 8259, section 7).
fn half(json: &str, escape: usize) -> Option<Half> {
    let digits = json.get(escape..escape + 6)?.strip_prefix("\\u")?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::First),
        0xDC00..=0xDFFF => Some(Half::Second),
        _ => None,
    }
}

/// Reads the rest of a list that is not wanted.
pub(crate) fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads the rest of an object that is not wanted.
pub(crate) fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// What a visitor makes of the scalar types it has no use for.
macro_rules! absent {
    ($($visit:ident: $type:ty),+ => $absent:expr) => {
        $(fn $visit<E>(self, _: $type) -> Result<Self::Value, E> { Ok($absent) })+

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($absent)
        }
    };
}
#[cfg(feature = "openai")]
pub(crate) use absent;

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        skip_object(object).map(|()| Text::default())
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64 => Text::default());
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct IntVisitor;

impl<'de> Visitor<'de> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Int(u32::try_from(number).ok()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Int(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        skip_object(object).map(|()| Int(None))
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_f64: f64, visit_str: &str => Int(None));
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|value| Object(Some(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| Object(None))
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str => Object(None));
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Object<T>>()? {
            let Some(item) = item.0 else { continue };
            if items.is_empty() {
                // Most lists have one item, and items are large: there is no room for more until they come.
                items.reserve_exact(1);
            }
            items.push(item);
        }
        Ok(List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        skip_object(object).map(|()| List(Vec::new()))
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str => List(Vec::new()));
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct JsonTextVisitor;

impl<'de> Visitor<'de> for JsonTextVisitor {
    type Value = JsonText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON as text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(JsonText(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(JsonText(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(object))?;
        Ok(JsonText(Cow::Owned(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        skip_list(list).map(|()| JsonText::default())
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64 => JsonText::default());
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonTextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x10_only_halves_of_characters_are_mended() {
        let kept =
            ["", r#""a\n\"b\\""#, r#""\ud83d\ude00\uD83D\uDE00""#, r#""\\ud83d""#, r#""\u00e9 é""#, r#""\"#];
        for json in kept {
            assert!(matches!(text_of(json.as_bytes()), Cow::Borrowed(text) if text == json), "{json}");
        }
        let mended = [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00x\\\uD83D\n""#, r#""\ufffdx\\\ufffd\n""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
        ];
        for (json, expected) in mended {
            assert_eq!(text_of(json.as_bytes()), expected);
        }
        assert_eq!(text_of(b"\\ud83d\xff"), "\\ufffd\u{fffd}");
    }
}
