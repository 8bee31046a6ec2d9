//! One name of a document: the schema of its entry, and how one is built.

use std::cell::RefCell;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::build::Build;
use super::check::{check, join};
use super::mask::Mask;
use super::{Findings, is_below};
use crate::error::Result;

/// Reads a document, and builds from it where there is something to build with.
type ReadFn<T> = dyn Fn(Value, Option<&Build<'_>>) -> Result<Option<Result<T>>, Unread> + Send + Sync;

/// One name: the schema of its document, and how it is built.
pub(super) struct Entry<T> {
    pub(super) schema: Value,
    /// Whether there are other entries inside of it.
    has_inner: bool,
    read: Box<ReadFn<T>>,
}

/// A value that its type does not take: where it stands, as a path within the entry, and why.
struct Unread {
    path: String,
    what: String,
}

impl<T> Entry<T> {
    pub(super) fn new<C: DeserializeOwned + JsonSchema>(
        build: impl Fn(C, &Build<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.meta_schema = None;
        let schema = settings.into_generator().into_root_schema_for::<C>().to_value();
        let read = move |value: Value, cx: Option<&Build<'_>>| {
            let config = serde_path_to_error::deserialize::<_, C>(value)
                .map_err(|e| Unread { path: e.path().to_string(), what: e.into_inner().to_string() })?;
            Ok(cx.map(|cx| build(config, cx)))
        };
        let has_inner = schema.to_string().contains("\"x-entry\"");
        Entry { schema, has_inner, read: Box::new(read) }
    }

    /// Checks the document and, when nothing is wrong, builds from it.
    pub(super) fn make(
        &self,
        document: Value,
        cx: Build<'_>,
        path: &str,
        findings: &mut Findings,
    ) -> Option<T> {
        let mut found = Findings::default();
        check(&document, &self.schema, &self.schema, path, &mut found);
        let mut mask = Mask::new(document, path);
        // A secret that is missing, for one, was found before.
        findings.paths().filter(|fault| is_below(fault, path)).for_each(|fault| mask.know(fault));
        let is_readable = found.paths().all(|fault| mask.hide(fault));
        findings.append(found);
        let inner = RefCell::default();
        let built = match is_readable {
            true => self.read(&mut mask, &Build { path, findings: &inner, ..cx }, findings)?,
            false => return None,
        };
        let inner = inner.into_inner();
        if let Err(error) = &built
            && mask.is_whole()
        {
            let (at, what) = match field_of(error.message()) {
                Some((field, what)) => (join(path, field), what),
                None => (path.to_owned(), error.message()),
            };
            // That something inside is wrong is said where it stands.
            if !inner.below(&at) {
                findings.add(&at, what);
            }
        }
        let is_whole = mask.is_whole() && inner.is_empty();
        findings.append(mask.others(inner));
        built.ok().filter(|_| is_whole)
    }

    /// Reads the document, all that its types do not take aside, and builds from it. What is built from a part of a
    /// document is nothing to be used: it is for the findings of the entries inside of it.
    fn read(&self, mask: &mut Mask<'_>, cx: &Build<'_>, findings: &mut Findings) -> Option<Result<T>> {
        loop {
            let is_built = mask.is_whole() || self.has_inner;
            match (self.read)(mask.document().clone(), is_built.then_some(cx)) {
                Ok(built) => return built,
                Err(Unread { path, what }) => {
                    let at = if path == "." { cx.path.to_owned() } else { join(cx.path, &path) };
                    if !mask.is_near(&at) {
                        findings.add(&at, what);
                    }
                    if !mask.hide(&at) {
                        return None;
                    }
                }
            }
        }
    }
}

/// The field that a fault names by `field: what is wrong`.
fn field_of(message: &str) -> Option<(&str, &str)> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    message.split_once(": ").filter(|(field, _)| !field.is_empty() && field.chars().all(is_path))
}
