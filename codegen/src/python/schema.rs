//! What a JSON Schema says, as types of Python. Classes and aliases that it needs are written on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::class::{Class, Field, bracketed};
use super::{literal, names, text};

/// Writes classes, each after those it needs.
pub(super) struct Writer<'a> {
    definitions: &'a Map<String, Value>,
    shared: BTreeSet<String>,
    written: BTreeSet<String>,
    /// The texts of classes and aliases, in order.
    pub(super) parts: Vec<String>,
    /// The names a user imports.
    pub(super) exports: Vec<String>,
}

/// Whose definitions are looked at: the prefix of their keys, and the entry's class, which names theirs.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) prefix: &'a str,
    pub(super) class: &'a str,
}

/// What a class is called, what it is, and its `type` in a document.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) base: &'a str,
    pub(super) tag: Option<&'a str>,
}

/// A type as an annotation, and what else the schema says of it.
#[derive(Default)]
struct Type {
    text: String,
    nullable: bool,
    secret: bool,
    /// The class that a default object is made of.
    class: Option<String>,
    choices: Vec<(String, String)>,
}

impl Type {
    fn plain(text: impl Into<String>) -> Self {
        Type { text: text.into(), ..Type::default() }
    }

    /// Either of two.
    fn or(mut self, other: Type) -> Self {
        self.nullable |= other.nullable;
        self.secret |= other.secret;
        self.class = self.class.or(other.class);
        self.choices.extend(other.choices);
        self.text = match (self.text.as_str(), other.text.as_str()) {
            (_, "") => self.text,
            ("", _) => other.text,
            (a, b) if a.split(" | ").any(|part| part == b) => self.text,
            (a, b) => format!("{a} | {b}"),
        };
        self
    }
}

impl<'a> Writer<'a> {
    /// A writer for entries with these prefixes. What several of them define alike is written once.
    pub(super) fn new(definitions: &'a Map<String, Value>, prefixes: &[String]) -> Self {
        let mut bodies: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for prefix in prefixes {
            for (key, definition) in definitions {
                if let Some(short) = key.strip_prefix(prefix.as_str()) {
                    bodies
                        .entry(short)
                        .or_default()
                        .push(definition.to_string().replace(prefix.as_str(), ""));
                }
            }
        }
        let alike =
            bodies.into_iter().filter(|(_, b)| b.len() > 1 && b.windows(2).all(|w| w.first() == w.last()));
        let shared = alike.map(|(short, _)| short.to_owned()).collect();
        Writer { definitions, shared, written: BTreeSet::new(), parts: Vec::new(), exports: Vec::new() }
    }

    /// Writes the class of an object's schema.
    pub(super) fn class(&mut self, schema: &Value, owner: Owner<'_>, head: &Head<'_>) -> Class {
        let doc = described(schema);
        let fields = self.fields(schema, owner);
        Class {
            name: head.name.to_owned(),
            base: head.base.to_owned(),
            tag: head.tag.map(str::to_owned),
            example: text::example(&doc).and_then(|example| example.as_object().cloned()),
            doc: text::prose(&doc),
            fields,
        }
    }

    /// Adds a class to the module.
    pub(super) fn add(&mut self, class: &Class) {
        self.written.insert(class.name.clone());
        self.exports.push(class.name.clone());
        self.parts.push(class.text());
    }

    /// The fields of an object's schema, those that are needed first.
    fn fields(&mut self, schema: &Value, owner: Owner<'_>) -> Vec<Field> {
        let needed: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let properties = properties.filter(|(_, field)| field.get("const").is_none());
        let mut fields: Vec<Field> = properties
            .map(|(name, field)| self.field(name, field, needed.contains(&name.as_str()), owner))
            .collect();
        let first = |field: &Field| FIRST.iter().position(|name| *name == field.name).unwrap_or(FIRST.len());
        fields.sort_by_key(|field| (field.default.is_some(), first(field)));
        fields
    }

    fn field(&mut self, name: &str, schema: &Value, needed: bool, owner: Owner<'_>) -> Field {
        let of = self.resolve(schema, owner);
        let default = match schema.get("default") {
            _ if needed => None,
            None | Some(Value::Null) => Some("None".to_owned()),
            Some(default) => Some(default_of(default, of.class.as_deref())),
        };
        let is_optional = of.nullable || default.as_deref() == Some("None");
        let annotation = if is_optional { format!("{} | None", of.text) } else { of.text };
        let mut doc = text::prose(&described(schema));
        if doc.is_empty()
            && let Some(referred) = self.referred(schema)
        {
            doc = text::prose(&described(referred));
        }
        Field { name: name.to_owned(), annotation, default, doc, choices: of.choices, secret: of.secret }
    }

    fn referred(&self, schema: &Value) -> Option<&'a Value> {
        let key = schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        self.definitions.get(key)
    }

    fn resolve(&mut self, schema: &Value, owner: Owner<'_>) -> Type {
        if let Some(key) = schema.get("$ref").and_then(Value::as_str) {
            return self.reference(key.trim_start_matches("#/$defs/"), owner);
        }
        if let Some(either) = schema.get("anyOf").and_then(Value::as_array) {
            return either.iter().fold(Type::default(), |all, one| all.or(self.resolve(one, owner)));
        }
        if list(schema, "oneOf").next().is_some() {
            return list(schema, "oneOf")
                .fold(Type::default(), |all, one| all.or(self.alternative(one, owner)));
        }
        if schema.get("format").and_then(Value::as_str) == Some("duration-text") {
            return Type::plain("Duration");
        }
        if schema.get("format").and_then(Value::as_str) == Some("secret") {
            return Type { secret: true, ..Type::plain("Secret") };
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Type::plain("Any"),
        };
        kinds.into_iter().fold(Type::default(), |all, kind| all.or(self.kind(kind, schema, owner)))
    }

    /// One of several forms: a word, an object with one field, or any other type.
    fn alternative(&mut self, schema: &Value, owner: Owner<'_>) -> Type {
        let meaning = text::prose(&described(schema));
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            let choices = vec![(format!("{word:?}"), meaning)];
            return Type { choices, ..Type::plain(format!("Literal[{word:?}]")) };
        }
        let fields = schema.get("properties").and_then(Value::as_object);
        let first = fields.and_then(|fields| fields.keys().next());
        let choices = first.map(|name| (format!("{{{name:?}: ...}}"), meaning)).into_iter().collect();
        Type { choices, ..self.resolve(schema, owner) }
    }

    fn kind(&mut self, kind: &str, schema: &Value, owner: Owner<'_>) -> Type {
        match kind {
            "null" => Type { nullable: true, ..Type::default() },
            "boolean" => Type::plain("bool"),
            "integer" => Type::plain("int"),
            "number" => Type::plain("float"),
            "string" => Type::plain("str"),
            "array" => {
                let item = schema.get("items").map(|item| self.resolve(item, owner));
                let item = item.unwrap_or_else(|| Type::plain("Any"));
                Type { text: format!("Sequence[{}]", item.text), class: None, nullable: false, ..item }
            }
            "object" => {
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                let value = patterns.and_then(|patterns| patterns.values().next());
                let value = value.or(schema.get("additionalProperties")).filter(|value| value.is_object());
                let value = value.map(|value| self.resolve(value, owner));
                let value = value.unwrap_or_else(|| Type::plain("Any"));
                let text = if value.nullable { format!("{} | None", value.text) } else { value.text };
                Type { text: format!("Mapping[str, {text}]"), class: None, nullable: false, ..value }
            }
            _ => Type::plain("Any"),
        }
    }

    fn reference(&mut self, key: &str, owner: Owner<'_>) -> Type {
        match key {
            "layer" => return Type::plain("Layer | Mapping[str, Any]"),
            "provider" => return Type::plain("Provider | Mapping[str, Any]"),
            "store" => return Type::plain("Store | Mapping[str, Any]"),
            _ => {}
        }
        let (Some(definition), Some(short)) = (self.definitions.get(key), key.strip_prefix(owner.prefix))
        else {
            return Type::plain("Any");
        };
        let is_shared = self.shared.contains(short);
        let name = names::inner(if is_shared { "" } else { owner.class }, short);
        let choices = choices(definition);
        if !choices.is_empty() {
            self.alias(&name, "Literal[", choices.iter().map(|(word, _)| word.clone()).collect());
            return Type { choices, ..Type::plain(name) };
        }
        let variants: Vec<(&str, &Value)> = list(definition, "oneOf").filter_map(variant).collect();
        if !variants.is_empty() {
            return self.variants(&name, &variants, owner);
        }
        if !is_class(definition) {
            return self.resolve(definition, owner);
        }
        // First of all: it may be part of itself.
        let secret = self.written.insert(name.clone()) && {
            let class = self.class(definition, owner, &Head { name: &name, base: "Entry", tag: None });
            self.add(&class);
            class.fields.iter().any(|field| field.secret)
        };
        Type { secret, class: Some(name.clone()), ..Type::plain(format!("{name} | Mapping[str, Any]")) }
    }

    /// A class for each object that may stand here, and a name for all of them.
    fn variants(&mut self, name: &str, variants: &[(&str, &Value)], owner: Owner<'_>) -> Type {
        let mut classes = Vec::new();
        let mut secret = false;
        for (tag, schema) in variants {
            let class = format!("{}{name}", names::class(tag));
            if !self.written.contains(&class) {
                let class = self.class(schema, owner, &Head { name: &class, base: "Entry", tag: Some(tag) });
                self.add(&class);
            }
            secret |= schema.to_string().contains("Secret");
            classes.push(class);
        }
        self.alias(name, "Union[", classes);
        // Each of them hides what is secret in it; the same as a dict would not.
        Type { secret, ..Type::plain(format!("{name} | Mapping[str, Any]")) }
    }

    fn alias(&mut self, name: &str, open: &str, items: Vec<String>) {
        if self.written.insert(name.to_owned()) {
            self.exports.push(name.to_owned());
            self.parts.push(format!("{name} = {}\n", bracketed(open, &items, "]", 0)));
        }
    }
}

/// Fields that come first, in this order.
const FIRST: [&str; 4] = ["name", "model", "api_key", "base_url"];

/// A default that nobody can change. Where a mapping has one, absent is what has it.
fn default_of(default: &Value, class: Option<&str>) -> String {
    match (default, class) {
        (Value::Object(fields), Some(class)) => {
            let is_plain = fields.values().all(|value| value.as_object().is_none_or(Map::is_empty));
            let stated = fields.iter().filter(|(_, value)| !value.is_object());
            let stated = stated.filter_map(|(name, value)| {
                Some(format!("{}={}", names::field(name), literal::fixed(value)?))
            });
            let stated: Vec<String> = stated.collect();
            if is_plain { format!("{class}({})", stated.join(", ")) } else { "None".to_owned() }
        }
        (other, _) => literal::fixed(other).unwrap_or_else(|| "None".to_owned()),
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn described(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The words that a schema allows, quoted, each with its meaning; none when it allows anything else.
fn choices(schema: &Value) -> Vec<(String, String)> {
    let bare = list(schema, "enum").map(|word| Some((literal::of(word), String::new())));
    let told = list(schema, "oneOf").map(|one| {
        let word = literal::of(one.get("const")?);
        Some((word, text::prose(&described(one))))
    });
    bare.chain(told).collect::<Option<_>>().unwrap_or_default()
}

/// An object with a `type` of its own.
fn variant(schema: &Value) -> Option<(&str, &Value)> {
    let tag = schema.get("properties")?.get("type")?.get("const")?.as_str()?;
    Some((tag, schema))
}

/// An object with these fields and no others.
fn is_class(schema: &Value) -> bool {
    let fields = schema.get("properties").and_then(Value::as_object).map_or(0, Map::len);
    fields > 0 && schema.get("additionalProperties") == Some(&Value::Bool(false))
}
