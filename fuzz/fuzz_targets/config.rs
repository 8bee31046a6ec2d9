//! Any text as a configuration: the first byte says which form. It builds a client, or is refused as invalid; it
//! never panics and never shows a secret.

#![no_main]

use std::sync::LazyLock;

use belvedere_core::config::{Config, Registry};
use belvedere_core::error::ErrorKind;
use libfuzzer_sys::fuzz_target;

/// What every environment variable holds; no text that arrives has it.
const SECRET: &str = "secret-of-the-environment";

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new().with_env(|_| Some(SECRET.to_owned()));
    belvedere_providers::register(&mut registry);
    belvedere_middleware::register(&mut registry);
    registry
});

fuzz_target!(|input: &[u8]| {
    let Some((form, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    // A secret may stand in a file, and some files never end.
    if text.contains("file") || text.contains('\\') || text.contains(SECRET) {
        return;
    }
    let config = match form % 3 {
        0 => Config::from_json(text),
        1 => Config::from_yaml(text),
        _ => Config::from_toml(text),
    };
    // This registry has no runtime, so even a good document ends in an error.
    let error = config.and_then(|config| REGISTRY.client(&config)).expect_err("no runtime");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
});
