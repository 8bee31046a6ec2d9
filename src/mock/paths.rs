//! The paths that a server knows, for people.

use std::sync::Arc;

use belvedere_core::endpoint::Endpoint;

/// The paths of the wires, as their official clients ask for them.
const WIRES: &[(&str, &[&str])] = &[
    ("openai.chat", &["POST /v1/chat/completions", "GET /v1/models"]),
    ("openai.responses", &["POST /v1/responses"]),
    ("embeddings", &["POST /v1/embeddings"]),
    ("anthropic.messages", &["POST /v1/messages", "GET /v1/models"]),
    (
        "google.generate",
        &[
            "POST /v1beta/models/{model}:generateContent",
            "POST /v1beta/models/{model}:streamGenerateContent",
            "POST /v1beta/models/{model}:batchEmbedContents",
            "POST /v1beta/models/{model}:embedContent",
            "POST /v1beta/models/{model}:predict",
        ],
    ),
    ("bedrock.converse", &["POST /model/{model}/converse", "POST /model/{model}/converse-stream"]),
    (
        "bedrock.invoke.anthropic",
        &["POST /model/{model}/invoke", "POST /model/{model}/invoke-with-response-stream"],
    ),
    ("ollama.chat", &["POST /api/chat", "POST /api/embed", "GET /api/tags"]),
    ("ollama.generate", &["POST /api/generate"]),
    ("cohere.chat", &["POST /v2/chat", "POST /v2/embed"]),
];

/// The server's own.
pub(super) const OWN: &[(&str, &str)] = &[
    ("GET /stats", "counters"),
    ("POST /stats/reset", "counters back to zero"),
    ("GET /script", "the script that is played"),
    ("POST /script", "plays another one"),
];

/// Every path that these endpoints know, with its wire. One that is none of ours is listed by its wire's name.
pub(super) fn of(endpoints: &[Arc<dyn Endpoint>]) -> impl Iterator<Item = (&'static str, &'static str)> {
    endpoints.iter().flat_map(|endpoint| {
        let wire = endpoint.wire();
        let known = WIRES.iter().find(|(name, _)| *name == wire).map(|(_, paths)| *paths);
        known.unwrap_or(&[""]).iter().map(move |path| (wire, if path.is_empty() { wire } else { *path }))
    })
}

/// The methods that one of the server's own paths takes.
pub(super) fn methods(path: &str) -> String {
    let own = OWN.iter().filter_map(|(row, _)| row.split_once(' ')).filter(|(_, own)| *own == path);
    own.map(|(method, _)| method).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_this_build_has_its_paths_here_and_takes_them() {
        let endpoints = belvedere_providers::endpoints();
        for (wire, row) in of(&endpoints) {
            let (method, path) = row.split_once(' ').unwrap_or_else(|| panic!("{wire} has no row"));
            let path = path.replace("{model}", "some-model");
            let endpoint = endpoints.iter().find(|endpoint| endpoint.wire() == wire).unwrap();
            assert!(endpoint.accepts(&method.parse().unwrap(), &path), "{wire}: {row}");
        }
    }
}
