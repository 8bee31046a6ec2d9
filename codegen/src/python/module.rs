//! The modules of the typed configuration.

use belvedere::providers::openai::hosts;
use serde_json::{Map, Value};

use super::class::bracketed;
use super::schema::{Head, Owner, Writer};
use super::{names, text};

const LAYERS: &str = "Layers: what stands between a call and its provider.

`Client(provider=..., layers=[Retry(attempts=5), Timeout(idle=\"30s\")])` has them outermost first. Each is what a
configuration names by its `type`: `Retry(attempts=5)` and `{\"type\": \"retry\", \"attempts\": 5}` are the same.
A time is text with its unit, such as `\"500ms\"`, or a `datetime.timedelta`.";

const PROVIDERS: &str = "Providers: who answers.

`Client(provider=OpenAI(model=\"gpt-5-mini\"))` asks OpenAI. Each is what a configuration names by its `type`:
`OpenAI(model=\"gpt-5-mini\")` and `{\"type\": \"openai\", \"model\": \"gpt-5-mini\"}` are the same.";

const CONFIG: &str =
    "Sections of a client's configuration: how the network is reached, and what becomes of streams.";

const STORES: &str = "Stores, for the layers that share state between processes.";

/// `layers.py`.
pub(super) fn layers(schema: &Value) -> Result<String, String> {
    entries(schema, "layer", "Layer", LAYERS)
}

/// `stores.py`, once there are any.
pub(super) fn stores(schema: &Value) -> Result<Option<String>, String> {
    let any = !names_of(schema, "store").is_empty();
    any.then(|| entries(schema, "store", "Store", STORES)).transpose()
}

/// A class for each entry.
fn entries(schema: &Value, what: &str, base: &str, doc: &str) -> Result<String, String> {
    let definitions = definitions(schema)?;
    let entries = names_of(schema, what);
    let prefixes: Vec<String> = entries.iter().map(|name| format!("{what}_{name}_")).collect();
    let mut writer = Writer::new(definitions, &prefixes);
    for (name, prefix) in entries.iter().zip(&prefixes) {
        let class = names::class(name);
        let schema = entry(definitions, what, name)?;
        let class = writer.class(
            schema,
            Owner { prefix, class: &class },
            &Head { name: &class, base, tag: Some(name) },
        );
        writer.add(&class);
    }
    Ok(file(doc, writer))
}

/// `providers.py`: providers whose fields are the same share a base class.
pub(super) fn providers(schema: &Value) -> Result<String, String> {
    let definitions = definitions(schema)?;
    let entries = names_of(schema, "provider");
    let prefixes: Vec<String> = entries.iter().map(|name| format!("provider_{name}_")).collect();
    let mut writer = Writer::new(definitions, &prefixes);
    let mut common: Option<(String, String)> = None;
    for (name, prefix) in entries.iter().zip(&prefixes) {
        let schema = entry(definitions, "provider", name)?;
        let class = names::class(name);
        let body = schema.to_string().replace(prefix.as_str(), "").replace(&format!("{name:?}"), "");
        let title = schema.get("title").and_then(Value::as_str).unwrap_or("Settings").to_owned();
        let (title, known) = common.get_or_insert_with(|| {
            let base = writer.class(
                schema,
                Owner { prefix, class: &title },
                &Head { name: &title, base: "Provider", tag: None },
            );
            writer.add(&base);
            (title, body.clone())
        });
        if *known == body {
            let doc = text::docstring(&place(name), &[], 4);
            writer.parts.push(format!(
                "class {class}({title}):\n{doc}\n\n    __slots__ = ()\n    _type = {name:?}\n"
            ));
            writer.exports.push(class);
        } else {
            let class = writer.class(
                schema,
                Owner { prefix, class: &class },
                &Head { name: &class, base: "Provider", tag: Some(name) },
            );
            writer.add(&class);
        }
    }
    Ok(file(PROVIDERS, writer))
}

/// What a provider is, where it is, and where its key is looked for.
fn place(name: &str) -> String {
    let own = match name {
        "anthropic" => "Anthropic's API. The key's environment variable is `ANTHROPIC_API_KEY`.",
        "azure_openai" => {
            "OpenAI's models at Azure; `base_url` is the resource's own address. The key's environment variable is \
             `AZURE_OPENAI_API_KEY`."
        }
        "bedrock" => "Models at Amazon Bedrock, in `region`. Credentials are those AWS's own tools find.",
        "cohere" => "Cohere's API.",
        "google" => "Google's Gemini API.",
        "gemini" => "Google's Gemini API, by its wire that is compatible with OpenAI's.",
        "ollama" => "An Ollama server, on this machine where `base_url` does not say otherwise.",
        "vertex" => "Google's models at Vertex AI, in `project` and `region`.",
        "openai_compatible" => "Any server that speaks OpenAI's wire, at `base_url`.",
        _ => "",
    };
    let host = hosts::find(name);
    let address = host.and_then(|host| host.base_url).map(|url| format!(" at {url}"));
    let key = host.and_then(|host| host.key_env);
    let key = key.map(|key| format!(" The key's environment variable is `{key}`."));
    if own.is_empty() {
        format!("The provider `{name}`{}.{}", address.unwrap_or_default(), key.unwrap_or_default())
    } else {
        own.to_owned()
    }
}

/// `config.py`: the sections of a document that are objects.
pub(super) fn config(schema: &Value) -> Result<String, String> {
    let definitions = definitions(schema)?;
    let sections = ["streams", "transport"];
    let prefixes = sections.map(|section| format!("{section}_"));
    let mut writer = Writer::new(definitions, &prefixes);
    for (section, prefix) in sections.iter().zip(&prefixes) {
        let found = schema.get("properties").and_then(|properties| properties.get(section));
        let found = found.ok_or_else(|| format!("the schema has no `{section}`"))?;
        let class = names::class(section);
        let class = writer.class(
            found,
            Owner { prefix, class: &class },
            &Head { name: &class, base: "Entry", tag: None },
        );
        writer.add(&class);
    }
    Ok(file(CONFIG, writer))
}

fn definitions(schema: &Value) -> Result<&Map<String, Value>, String> {
    schema.get("$defs").and_then(Value::as_object).ok_or_else(|| "the schema has no `$defs`".to_owned())
}

fn entry<'a>(definitions: &'a Map<String, Value>, what: &str, name: &str) -> Result<&'a Value, String> {
    definitions.get(&format!("{what}_{name}")).ok_or_else(|| format!("the schema has no `{what}_{name}`"))
}

/// The names of all entries of a kind.
fn names_of(schema: &Value, what: &str) -> Vec<String> {
    let all = schema.get("$defs").and_then(|all| all.get(what)).and_then(|all| all.get("oneOf"));
    let all = all.and_then(Value::as_array).into_iter().flatten();
    let keys = all.filter_map(|one| one.get("$ref")?.as_str()?.strip_prefix("#/$defs/"));
    keys.filter_map(|key| Some(key.strip_prefix(what)?.strip_prefix('_')?.to_owned())).collect()
}

/// A module's text: what it is, what it imports, and its parts.
fn file(doc: &str, writer: Writer<'_>) -> String {
    let body = writer.parts.join("\n\n");
    let uses = |word: &str| body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word);
    let import = |from: &str, of: &[&str]| {
        let used: Vec<&str> = of.iter().copied().filter(|word| uses(word)).collect();
        if used.is_empty() { String::new() } else { format!("from {from} import {}\n", used.join(", ")) }
    };
    // The class that all entries have in common: for annotations.
    let bases =
        ["Layer", "Provider", "Store"].into_iter().filter(|base| body.contains(&format!("({base}):")));
    let exports = writer.exports.iter().map(String::as_str).chain(bases);
    let mut exports: Vec<String> = exports.map(|name| format!("{name:?}")).collect();
    exports.sort();
    format!(
        "\"\"\"{doc}\n\"\"\"\n\n{WRITTEN}\nfrom __future__ import annotations\n\n{}{}\n{}\n__all__ = {}\n\n\n{body}",
        import("collections.abc", &["Mapping", "Sequence"]),
        import("typing", &["Any", "Literal", "Union"]),
        import("belvedere._config", &["Duration", "Entry", "Layer", "Provider", "Secret", "Store"]),
        bracketed("[", &exports, "]", 0),
    )
}

/// What all generated files say of themselves.
pub(super) const WRITTEN: &str =
    "# Written by `cargo xtask python`. Change what it is made from, not this file.\n";
