//! The exceptions: a class for each category, and below it one for each kind of the error table.

use belvedere::error::{Category, ErrorKind};

use super::class::bracketed;
use super::module::WRITTEN;
use super::{advice, names, text};

const DOC: &str = "Exceptions: what can go wrong with a call, a stream or a configuration.

All are an `Error`. Below it is a class for what a caller does about it (`TransientError`, `RateLimitError`,
`AuthError`, `ValidationError`, `PermanentError`), and below those one for each kind (`Timeout`, `RateLimited`, ...).
Those with a natural counterpart among Python's own are that, too: a `Timeout` is a `TimeoutError`.";

/// Python's own classes that a kind is, too.
const NATURAL: &[(&str, &str)] = &[
    ("config_invalid", "ValueError"),
    ("context_too_long", "ValueError"),
    ("forbidden", "PermissionError"),
    ("invalid_request", "ValueError"),
    ("model_not_found", "LookupError"),
    ("network", "ConnectionError"),
    ("timeout", "TimeoutError"),
    ("unauthorized", "PermissionError"),
];

const CATEGORIES: [Category; 5] =
    [Category::Transient, Category::RateLimit, Category::Auth, Category::Validation, Category::Permanent];

/// `errors.py`.
pub(super) fn module() -> String {
    let mut kinds: Vec<ErrorKind> = Vec::new();
    for kind in ErrorKind::ALL {
        // One class for all phases of a timeout.
        if kinds.iter().all(|known| known.name() != kind.name()) {
            kinds.push(kind);
        }
    }
    let mut parts: Vec<String> = CATEGORIES.map(category).to_vec();
    parts.extend(kinds.iter().map(|kind| class(*kind)));
    let rows = kinds.iter().map(|kind| format!("    {:?}: {},\n", kind.name(), names::class(kind.name())));
    parts.push(format!(
        "KINDS: Final[dict[str, type[Error]]] = {{\n{}}}\n\"\"\"The class of each kind.\"\"\"\n",
        rows.collect::<String>()
    ));
    let mut exports: Vec<String> = kinds.iter().map(|kind| names::class(kind.name())).collect();
    exports.extend(CATEGORIES.map(category_class));
    exports.extend(["Error".to_owned(), "KINDS".to_owned()]);
    exports.sort();
    let exports: Vec<String> = exports.iter().map(|name| format!("{name:?}")).collect();
    format!(
        "\"\"\"{DOC}\n\"\"\"\n\n{WRITTEN}\nfrom __future__ import annotations\n\nfrom typing import Final\n\n\
         from belvedere._error import Error\n\n__all__ = {}\n\n\n{}",
        bracketed("[", &exports, "]", 0),
        parts.join("\n\n")
    )
}

fn category_class(category: Category) -> String {
    format!("{}Error", names::class(category.name()))
}

fn category(category: Category) -> String {
    let doc = text::docstring(advice::of_category(category), &[], 4);
    format!("class {}(Error):\n{doc}\n\n    category = {:?}\n", category_class(category), category.name())
}

fn class(kind: ErrorKind) -> String {
    let natural = NATURAL.iter().find(|(name, _)| *name == kind.name());
    let natural = natural.map(|(_, class)| format!(", {class}")).unwrap_or_default();
    let (what, advice) = advice::of_kind(kind);
    let doc = text::docstring(&format!("{what}\n\n{advice}"), &[], 4);
    let base = category_class(kind.category());
    format!("class {}({base}{natural}):\n{doc}\n\n    kind = {:?}\n", names::class(kind.name()), kind.name())
}
