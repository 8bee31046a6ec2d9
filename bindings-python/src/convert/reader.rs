//! Objects of Python as a source of serde.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple,
};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::time::is_timedelta;
use super::{Fault, duration};

/// How deep objects may be nested: an object that holds itself ends here.
const DEPTH: u8 = 128;

/// Reads one object: None, bool, numbers, str, bytes (as base64), lists and tuples, mappings, `timedelta` (as text), and
/// what turns itself into one of those: dataclasses, and objects with `to_dict()` or `model_dump()`.
#[derive(Clone)]
pub(crate) struct Reader<'a, 'py> {
    object: &'a Bound<'py, PyAny>,
    left: u8,
}

impl<'a, 'py> Reader<'a, 'py> {
    pub(crate) fn new(object: &'a Bound<'py, PyAny>) -> Self {
        Reader { object, left: DEPTH }
    }

    fn inner(object: &'a Bound<'py, PyAny>, left: u8) -> Result<Self, Fault> {
        match left.checked_sub(1) {
            Some(left) => Ok(Reader { object, left }),
            None => Err(Fault::Wrong(format!("is nested more than {DEPTH} deep"))),
        }
    }

    fn list<'de, V: Visitor<'de>>(
        &self,
        items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(Items { items, left: self.left })
    }

    /// What is none of the plain types.
    fn other<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Fault> {
        let (object, py) = (self.object, self.object.py());
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return visitor.visit_string(base64(bytes.as_bytes()));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return visitor.visit_string(base64(&bytes.to_vec()));
        }
        if is_timedelta(object)? {
            let text = belvedere::duration::text(duration(object, "a time")?);
            return visitor.visit_string(text);
        }
        if let Some(plain) = plain(object)? {
            return Reader::inner(&plain, self.left)?.deserialize_any(visitor);
        }
        if let Ok(mapping) = object.cast::<PyMapping>() {
            let dict = PyDict::new(py);
            dict.update(mapping)?;
            return Reader::inner(dict.as_any(), self.left)?.deserialize_any(visitor);
        }
        let name = object.get_type().name()?;
        Err(Fault::Wrong(format!("an object of the type `{name}` is not understood here")))
    }
}

/// What an object turns itself into.
fn plain<'py>(object: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyAny>>, Fault> {
    let py = object.py();
    if object.hasattr(intern!(py, "to_dict"))? {
        return Ok(Some(object.call_method0(intern!(py, "to_dict"))?));
    }
    if object.hasattr(intern!(py, "model_dump"))? {
        let named = PyDict::new(py);
        named.set_item("mode", "json")?;
        named.set_item("exclude_none", true)?;
        return Ok(Some(object.call_method(intern!(py, "model_dump"), (), Some(&named))?));
    }
    if object.hasattr(intern!(py, "__dataclass_fields__"))? {
        let dict = PyDict::new(py);
        for name in object.getattr(intern!(py, "__dataclass_fields__"))?.try_iter()? {
            let name = name?.cast_into::<PyString>().map_err(PyErr::from)?;
            let value = object.getattr(&name)?;
            // A field that is not set is not sent.
            if !value.is_none() {
                dict.set_item(name, value)?;
            }
        }
        return Ok(Some(dict.into_any()));
    }
    Ok(None)
}

/// Bytes as documents write them (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sign = ALPHABET.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let object = self.object;
        if let Ok(text) = object.cast::<PyString>() {
            return visitor.visit_str(text.to_cow()?.as_ref());
        }
        if let Ok(dict) = object.cast::<PyDict>() {
            return visitor.visit_map(Entries { items: dict.iter(), value: None, left: self.left });
        }
        if let Ok(list) = object.cast::<PyList>() {
            return self.list(list.iter(), visitor);
        }
        if object.is_none() {
            return visitor.visit_unit();
        }
        if let Ok(flag) = object.cast::<PyBool>() {
            return visitor.visit_bool(flag.is_true());
        }
        if object.is_instance_of::<PyInt>() {
            return match (object.extract::<i64>(), object.extract::<u64>()) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => Err(Fault::Wrong("is an int of more than 64 bits".into())),
            };
        }
        if let Ok(number) = object.cast::<PyFloat>() {
            return visitor.visit_f64(number.value());
        }
        if let Ok(tuple) = object.cast::<PyTuple>() {
            return self.list(tuple.iter(), visitor);
        }
        self.other(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.object.is_none() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Ok(text) = self.object.cast::<PyString>() {
            let text = text.to_cow()?;
            return StrDeserializer::<Fault>::new(text.as_ref()).deserialize_enum(name, variants, visitor);
        }
        if let Ok(dict) = self.object.cast::<PyDict>() {
            let entries = Entries { items: dict.iter(), value: None, left: self.left };
            return visitor.visit_enum(MapAccessDeserializer::new(entries));
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<I> {
    items: I,
    left: u8,
}

impl<'de, 'py, I: ExactSizeIterator<Item = Bound<'py, PyAny>>> SeqAccess<'de> for Items<I> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader::inner(&item, self.left)?).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'py, I> {
    items: I,
    value: Option<Bound<'py, PyAny>>,
    left: u8,
}

impl<'de, 'py, I: Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>> MapAccess<'de>
    for Entries<'py, I>
{
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.items.next() else { return Ok(None) };
        let Ok(key) = key.cast::<PyString>() else {
            return Err(Fault::Wrong("has a key that is no str".into()));
        };
        self.value = Some(value);
        let key = key.to_cow()?;
        seed.deserialize(StrDeserializer::new(key.as_ref())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let value = self.value.take().ok_or_else(|| Fault::Wrong("a value without a key".into()))?;
        seed.deserialize(Reader::inner(&value, self.left)?)
    }
}
