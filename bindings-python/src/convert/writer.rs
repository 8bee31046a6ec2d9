//! Values of Rust as objects of Python, in the order and form of their JSON.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use serde::Serialize;
use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Fault;

type Object<'py> = Bound<'py, PyAny>;

/// The object that a value's JSON is in Python.
///
/// # Errors
/// `MemoryError`, or a value without a JSON form, which none of ours is.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Object<'py>> {
    value.serialize(Writer(py)).map_err(|fault| match fault {
        Fault::Raised(error) => error,
        Fault::Wrong(what) => pyo3::exceptions::PyValueError::new_err(what),
    })
}

#[derive(Clone, Copy)]
struct Writer<'py>(Python<'py>);

macro_rules! plain {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<Object<'py>, Fault> {
            Ok(value.into_bound_py_any(self.0)?)
        })*
    };
}

impl<'py> Serializer for Writer<'py> {
    type Ok = Object<'py>;
    type Error = Fault;
    type SerializeSeq = Many<'py>;
    type SerializeTuple = Many<'py>;
    type SerializeTupleStruct = Many<'py>;
    type SerializeTupleVariant = Tagged<'py, Many<'py>>;
    type SerializeMap = Named<'py>;
    type SerializeStruct = Named<'py>;
    type SerializeStructVariant = Tagged<'py, Named<'py>>;

    plain! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Self::Ok, Fault> {
        Ok(PyBytes::new(self.0, value).into_any())
    }

    fn serialize_none(self) -> Result<Self::Ok, Fault> {
        Ok(self.0.None().into_bound(self.0))
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Self::Ok, Fault> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Self::Ok, Fault> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Fault> {
        let dict = PyDict::new(self.0);
        dict.set_item(variant, value.serialize(self)?)?;
        Ok(dict.into_any())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        Ok(Many(PyList::empty(self.0)))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Fault> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Fault> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Ok(Tagged { variant, inner: self.serialize_seq(None)?, py: self.0 })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        Ok(Named { dict: PyDict::new(self.0), key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Fault> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Ok(Tagged { variant, inner: self.serialize_map(None)?, py: self.0 })
    }
}

struct Many<'py>(Bound<'py, PyList>);

impl<'py> Many<'py> {
    fn push<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        let value = value.serialize(Writer(self.0.py()))?;
        Ok(self.0.append(value)?)
    }
}

macro_rules! many {
    ($($kind:ident $method:ident),*) => {
        $(impl<'py> $kind for Many<'py> {
            type Ok = Object<'py>;
            type Error = Fault;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<Object<'py>, Fault> {
                Ok(self.0.into_any())
            }
        })*
    };
}

many! { SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field }

struct Named<'py> {
    dict: Bound<'py, PyDict>,
    key: Option<Bound<'py, PyString>>,
}

impl<'py> SerializeMap for Named<'py> {
    type Ok = Object<'py>;
    type Error = Fault;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Fault> {
        self.key = Some(key.serialize(Key(self.dict.py()))?);
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        let value = value.serialize(Writer(self.dict.py()))?;
        let key = self.key.take().ok_or_else(|| Fault::Wrong("a value without a key".into()))?;
        Ok(self.dict.set_item(key, value)?)
    }

    fn end(self) -> Result<Object<'py>, Fault> {
        Ok(self.dict.into_any())
    }
}

impl<'py> SerializeStruct for Named<'py> {
    type Ok = Object<'py>;
    type Error = Fault;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        let py = self.dict.py();
        let value = value.serialize(Writer(py))?;
        Ok(self.dict.set_item(PyString::intern(py, name), value)?)
    }

    fn end(self) -> Result<Object<'py>, Fault> {
        Ok(self.dict.into_any())
    }
}

/// `{variant: value}`.
struct Tagged<'py, I> {
    variant: &'static str,
    inner: I,
    py: Python<'py>,
}

impl<'py, I> Tagged<'py, I> {
    fn around(py: Python<'py>, variant: &str, value: Object<'py>) -> Result<Object<'py>, Fault> {
        let dict = PyDict::new(py);
        dict.set_item(variant, value)?;
        Ok(dict.into_any())
    }
}

impl<'py> SerializeTupleVariant for Tagged<'py, Many<'py>> {
    type Ok = Object<'py>;
    type Error = Fault;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        self.inner.push(value)
    }

    fn end(self) -> Result<Object<'py>, Fault> {
        Self::around(self.py, self.variant, self.inner.0.into_any())
    }
}

impl<'py> SerializeStructVariant for Tagged<'py, Named<'py>> {
    type Ok = Object<'py>;
    type Error = Fault;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        SerializeStruct::serialize_field(&mut self.inner, name, value)
    }

    fn end(self) -> Result<Object<'py>, Fault> {
        Self::around(self.py, self.variant, self.inner.dict.into_any())
    }
}

/// Keys of objects: text, as in JSON.
struct Key<'py>(Python<'py>);

macro_rules! key {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<Bound<'py, PyString>, Fault> {
            Ok(PyString::new(self.0, &value.to_string()))
        })*
    };
}

macro_rules! no_key {
    ($($method:ident($($kind:ty),*) -> $ok:ty),* $(,)?) => {
        $(fn $method(self, $(_: $kind),*) -> Result<$ok, Fault> {
            Err(Fault::Wrong("keys must be text".into()))
        })*
    };
}

impl<'py> Serializer for Key<'py> {
    type Ok = Bound<'py, PyString>;
    type Error = Fault;
    type SerializeSeq = Impossible<Self::Ok, Fault>;
    type SerializeTuple = Impossible<Self::Ok, Fault>;
    type SerializeTupleStruct = Impossible<Self::Ok, Fault>;
    type SerializeTupleVariant = Impossible<Self::Ok, Fault>;
    type SerializeMap = Impossible<Self::Ok, Fault>;
    type SerializeStruct = Impossible<Self::Ok, Fault>;
    type SerializeStructVariant = Impossible<Self::Ok, Fault>;

    fn serialize_str(self, value: &str) -> Result<Self::Ok, Fault> {
        Ok(PyString::new(self.0, value))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Self::Ok, Fault> {
        value.serialize(self)
    }

    key! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char
    }

    no_key! {
        serialize_f32(f32) -> Self::Ok,
        serialize_f64(f64) -> Self::Ok,
        serialize_bytes(&[u8]) -> Self::Ok,
        serialize_none() -> Self::Ok,
        serialize_unit() -> Self::Ok,
        serialize_unit_struct(&'static str) -> Self::Ok,
        serialize_seq(Option<usize>) -> Self::SerializeSeq,
        serialize_tuple(usize) -> Self::SerializeTuple,
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant,
        serialize_map(Option<usize>) -> Self::SerializeMap,
        serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant,
    }
}
