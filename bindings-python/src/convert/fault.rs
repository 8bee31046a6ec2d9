//! What is wrong with an object. Values are not quoted: they may be prompts or keys.

use std::fmt;

use pyo3::PyErr;
use serde::de::{Expected, Unexpected};

/// What is wrong with an object that is read or written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is not what is expected there.
    Wrong(String),
    /// It raised an exception when it was asked.
    Raised(PyErr),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Wrong(what) => f.write_str(what),
            Fault::Raised(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Fault::Raised(error)
    }
}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Fault::Wrong(what.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Fault::Wrong(what.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Wrong(format!("must be {}, is {}", wanted(expected), name(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Wrong(format!("must be {}, and this is none", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Fault::Wrong(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Fault::Wrong(format!("`{field}` is not known here; known: {}", expected.join(", ")))
    }
}

/// What is wanted, in the words of Python.
fn wanted(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    let name = match expected.as_str() {
        "f32" | "f64" => "a float",
        "i8" | "i16" | "i32" | "i64" => "an int",
        "u8" | "u16" | "u32" | "u64" | "usize" => "an int, not negative",
        "a string" => "a str",
        "a boolean" => "a bool",
        "a sequence" => "a list",
        "a map" => "a dict",
        _ => return expected,
    };
    name.to_owned()
}

/// What a value is, in the words of Python.
fn name(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a bool",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an int",
        Unexpected::Float(_) => "a float",
        Unexpected::Str(_) | Unexpected::Char(_) => "a str",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "None",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a dict",
        _ => "something else",
    }
}
