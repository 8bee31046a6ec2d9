//! Fields that come from several places, read as one object.

use belvedere::ErrorKind;
use pyo3::prelude::*;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Fault, Reader, at_path};

/// Named objects; a later one replaces an earlier one of its name.
#[derive(Debug, Default)]
pub(crate) struct Fields<'py>(Vec<(String, Bound<'py, PyAny>)>);

impl<'py> Fields<'py> {
    pub(crate) fn set(&mut self, name: &str, value: Bound<'py, PyAny>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a field out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Bound<'py, PyAny>> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Reads them as the fields of a `T`.
    ///
    /// # Errors
    /// The fault, with its path.
    pub(crate) fn read<T: DeserializeOwned>(&self, py: Python<'py>, base: &str) -> PyResult<T> {
        if let Ok(value) = T::deserialize(self) {
            return Ok(value);
        }
        serde_path_to_error::deserialize(self).map_err(|e| at_path(py, e, base, ErrorKind::InvalidRequest))
    }
}

impl<'de> Deserializer<'de> for &Fields<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Walk { fields: self.0.iter(), value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Walk<'a, 'py> {
    fields: std::slice::Iter<'a, (String, Bound<'py, PyAny>)>,
    value: Option<&'a Bound<'py, PyAny>>,
}

impl<'de> MapAccess<'de> for Walk<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let value = self.value.take().ok_or_else(|| Fault::Wrong("a value without a key".into()))?;
        seed.deserialize(Reader::new(value))
    }
}
