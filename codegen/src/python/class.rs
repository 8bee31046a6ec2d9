//! A class of the typed configuration: keyword arguments, a docstring that says what each means, slots.

use serde_json::{Map, Value};

use super::{literal, names, text};

/// A class to be written.
pub(super) struct Class {
    pub(super) name: String,
    pub(super) base: String,
    /// Its `type` in a document, where it has one.
    pub(super) tag: Option<String>,
    pub(super) doc: String,
    /// Fields of an example.
    pub(super) example: Option<Map<String, Value>>,
    pub(super) fields: Vec<Field>,
}

/// A field of a class.
pub(super) struct Field {
    /// As the document names it.
    pub(super) name: String,
    pub(super) annotation: String,
    /// `None`: the field is needed.
    pub(super) default: Option<String>,
    pub(super) doc: String,
    /// The words it may be, each with its meaning.
    pub(super) choices: Vec<(String, String)>,
    pub(super) secret: bool,
}

impl Class {
    /// The text of the class.
    pub(super) fn text(&self) -> String {
        let mut out = format!("class {}({}):\n{}\n", self.name, self.base, self.docstring());
        let slots: Vec<String> = self.fields.iter().map(|f| format!("{:?}", names::field(&f.name))).collect();
        out.push_str(&format!("\n    __slots__ = {}\n", tuple(&slots, 4)));
        if let Some(tag) = &self.tag {
            out.push_str(&format!("    _type = {tag:?}\n"));
        }
        let secret = self.fields.iter().filter(|f| f.secret);
        let secret: Vec<String> = secret.map(|f| format!("{:?}", names::field(&f.name))).collect();
        if !secret.is_empty() {
            out.push_str(&format!("    _secret = frozenset({})\n", tuple(&secret, 4)));
        }
        if !self.fields.is_empty() {
            out.push_str(&self.constructor());
        }
        out
    }

    fn constructor(&self) -> String {
        let mut out = "\n    def __init__(\n        self,\n        *,\n".to_owned();
        for field in &self.fields {
            let default = field.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
            out.push_str(&format!("        {}: {}{default},\n", names::field(&field.name), field.annotation));
        }
        out.push_str("    ) -> None:\n");
        for field in &self.fields {
            let name = names::field(&field.name);
            out.push_str(&format!("        self.{name}: {} = {name}\n", field.annotation));
        }
        out
    }

    fn docstring(&self) -> String {
        let mut sections = Vec::new();
        if !self.fields.is_empty() {
            let fields: Vec<String> = self.fields.iter().map(Field::line).collect();
            sections.push(format!("    Args:\n{}", fields.join("\n")));
        }
        if let Some(call) = self.example.as_ref().and_then(|example| self.call(example)) {
            sections.push(format!("    Example:\n{}", text::wrapped(&call, 8)));
        }
        text::docstring(&self.doc, &sections, 4)
    }

    /// A call with these fields. `None`: it has others.
    fn call(&self, fields: &Map<String, Value>) -> Option<String> {
        let arguments = fields.iter().filter(|(name, _)| *name != "type").map(|(name, value)| {
            let known = self.fields.iter().any(|field| field.name == *name);
            known.then(|| format!("{}={}", names::field(name), literal::of(value)))
        });
        let arguments: Vec<String> = arguments.collect::<Option<_>>()?;
        Some(format!("{}({})", self.name, arguments.join(", ")))
    }
}

impl Field {
    /// `name: what it means`, and below it the words it may be.
    fn line(&self) -> String {
        let plain = format!("The {}.", self.name.replace('_', " "));
        let doc = if self.doc.is_empty() { &plain } else { &self.doc };
        let mut lines = text::hanging(&format!("{}: {doc}", names::field(&self.name)), 8);
        for (word, meaning) in self.choices.iter().filter(|(_, meaning)| !meaning.is_empty()) {
            lines.push('\n');
            lines.push_str(&text::hanging(&format!("`{word}`: {meaning}"), 12));
        }
        lines
    }
}

/// A tuple of these texts, on as many lines as it takes.
pub(super) fn tuple(items: &[String], indent: usize) -> String {
    match items {
        [] => "()".to_owned(),
        [one] => format!("({one},)"),
        items => bracketed("(", items, ")", indent),
    }
}

/// Texts between brackets, on one line where it is short, else one a line.
pub(super) fn bracketed(open: &str, items: &[String], close: &str, indent: usize) -> String {
    let line = format!("{open}{}{close}", items.join(", "));
    if line.len() + indent < text::WIDTH - 20 {
        return line;
    }
    let pad = " ".repeat(indent);
    let items: String = items.iter().map(|item| format!("{pad}    {item},\n")).collect();
    format!("{open}\n{items}{pad}{close}")
}
