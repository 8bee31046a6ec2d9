//! What is asked, from the arguments of a method.

use belvedere::Request;
use belvedere::request::{Operation, Options};
use belvedere::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};

use crate::convert::{Fields, Reader, duration, read};
use crate::errors::raise;

/// The fields of a request that are arguments, by name.
const FIELDS: [&str; 24] = [
    "messages",
    "model",
    "input",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "response_format",
    "reasoning",
    "user",
    "dimensions",
    "continue_final_message",
    "operation",
];

/// The options of a call that are arguments, by name.
const OPTIONS: [&str; 9] = [
    "timeout",
    "scope",
    "headers",
    "idempotency_key",
    "raw",
    "unsupported",
    "attempts",
    "pause",
    "stream_id",
];

/// The request that the arguments say: a text, messages, one message, or a whole request, and fields by name, which come
/// before those of a whole request. `extra_body` has further fields of the body.
///
/// # Errors
/// `TypeError` that names an argument that is not known; `InvalidRequest` with the path of what is wrong.
pub(crate) fn request(
    py: Python<'_>,
    asked: Option<&Bound<'_, PyAny>>,
    named: Option<&Bound<'_, PyDict>>,
) -> PyResult<Request> {
    let mut fields = Fields::default();
    let mut options = Fields::default();
    let mut text = None;
    if let Some(asked) = asked {
        match asked.cast::<PyString>() {
            Ok(said) => text = Some(said.to_cow()?.into_owned()),
            Err(_) => given(asked, &mut fields, &mut options)?,
        }
    }
    for (name, value) in named.into_iter().flat_map(|named| named.iter()) {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        argument(&name, value, &mut fields, &mut options)?;
    }
    let mut request = match fields.is_empty() {
        true => Request::default(),
        false => fields.read::<Request>(py, "")?,
    };
    if let Some(text) = text {
        request.messages = Request::from(text).messages.clone();
    }
    if !options.is_empty() {
        request.options = Some(Box::new(read_options(py, options)?));
    }
    Ok(request)
}

/// Options of a call alone.
pub(crate) fn options(py: Python<'_>, named: Option<&Bound<'_, PyDict>>) -> PyResult<Option<Options>> {
    let mut options = Fields::default();
    for (name, value) in named.into_iter().flat_map(|named| named.iter()) {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        if !OPTIONS.contains(&name.as_str()) {
            return Err(unknown(&name));
        }
        options.set(&name, value);
    }
    if options.is_empty() { Ok(None) } else { read_options(py, options).map(Some) }
}

/// A request to embed texts.
pub(crate) fn embed(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    named: Option<&Bound<'_, PyDict>>,
) -> PyResult<Request> {
    let mut request = request(py, None, named)?;
    request.operation = Operation::Embed;
    let texts: Vec<String> = match texts.cast::<PyString>() {
        Ok(text) => vec![text.to_cow()?.into_owned()],
        Err(_) => read(texts, ErrorKind::InvalidRequest)?,
    };
    request.input = std::sync::Arc::new(texts);
    Ok(request)
}

/// What stands in front: messages, one message, or a whole request.
fn given<'py>(
    asked: &Bound<'py, PyAny>,
    fields: &mut Fields<'py>,
    options: &mut Fields<'py>,
) -> PyResult<()> {
    let py = asked.py();
    if asked.is_instance_of::<PyList>() || asked.is_instance_of::<PyTuple>() {
        fields.set("messages", asked.clone());
        return Ok(());
    }
    let dict = match asked.cast::<PyDict>() {
        Ok(dict) => dict.clone(),
        Err(_) => as_dict(asked)?,
    };
    if dict.contains("role")? {
        fields.set("messages", PyList::new(py, [dict])?.into_any());
        return Ok(());
    }
    for (name, value) in dict.iter() {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        if name == "options" && value.is_none() {
            continue;
        }
        if name == "options" {
            for (name, value) in value.cast::<PyDict>()?.iter() {
                options.set(name.cast::<PyString>()?.to_cow()?.as_ref(), value);
            }
        } else if OPTIONS.contains(&name.as_str()) && name != "user" {
            options.set(&name, value);
        } else {
            fields.set(&name, value);
        }
    }
    Ok(())
}

/// An object that is no dict: what it turns itself into.
fn as_dict<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = object.py();
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let dict = PyDict::new(py);
        dict.update(mapping)?;
        return Ok(dict);
    }
    let value = <serde_json::Value as serde::Deserialize>::deserialize(Reader::new(object));
    match value {
        Ok(value @ serde_json::Value::Object(_)) => Ok(crate::convert::to_python(py, &value)?.cast_into()?),
        _ => Err(PyTypeError::new_err(format!(
            "a request is a str, a list of messages, a message or a dict, not {}",
            object.get_type().name()?
        ))),
    }
}

/// An argument by its name.
fn argument<'py>(
    name: &str,
    value: Bound<'py, PyAny>,
    fields: &mut Fields<'py>,
    options: &mut Fields<'py>,
) -> PyResult<()> {
    if value.is_none() {
        // As if it were not there: absent and None are the same to who asks.
        let known = FIELDS.contains(&name) || OPTIONS.contains(&name) || name == "extra_body";
        return if known { Ok(()) } else { Err(unknown(name)) };
    }
    if FIELDS.contains(&name) {
        fields.set(name, value);
    } else if OPTIONS.contains(&name) {
        options.set(name, value);
    } else if name == "extra_body" {
        for (name, value) in as_dict(&value)?.iter() {
            fields.set(name.cast::<PyString>()?.to_cow()?.as_ref(), value);
        }
    } else {
        return Err(unknown(name));
    }
    Ok(())
}

fn unknown(name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "got an unexpected keyword argument '{name}'; further fields of the body go into extra_body"
    ))
}

fn read_options(py: Python<'_>, mut fields: Fields<'_>) -> PyResult<Options> {
    let timeout = fields.remove("timeout").filter(|timeout| !timeout.is_none());
    let timeout = timeout.map(|timeout| duration(&timeout, "timeout")).transpose();
    let timeout = timeout.map_err(|error| raised_as_invalid(py, error))?;
    let mut options = fields.read::<Options>(py, "")?;
    options.timeout = timeout;
    Ok(options)
}

/// A value that is wrong is `InvalidRequest`, as all others are; a type that is wrong stays `TypeError`.
fn raised_as_invalid(py: Python<'_>, error: PyErr) -> PyErr {
    match error.is_instance_of::<pyo3::exceptions::PyValueError>(py) {
        true => raise(py, &Error::new(ErrorKind::InvalidRequest, error.value(py).to_string())),
        false => error,
    }
}
