//! Ollama's own wires.

use super::{DATA, NO_FIELD, NO_MEDIA, NOT_CONTINUED};
use crate::capabilities::rule::{Field, Row, Rule};

const NATIVE: &[&str] = &["ollama.chat", "ollama.generate"];

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: NATIVE,
        hosts: &[],
        models: &[],
        source: "https://docs.ollama.com/api/chat",
        rules: &[
            (Field::N, NO_FIELD),
            (Field::User, NO_FIELD),
            (Field::Budget, Rule::Lacks("thinking is set by effort")),
            (Field::Parallel, NO_FIELD),
            (Field::ToolStrict, NO_FIELD),
            (Field::ProviderTools, Rule::Lacks("the server runs no tools")),
            (Field::Speaker, NO_FIELD),
            (Field::ChoiceRequired, NO_FIELD),
            (Field::ChoiceFunction, NO_FIELD),
            (Field::EmbedUser, NO_FIELD),
            (Field::Image, DATA),
            (Field::Audio, NO_MEDIA),
            (Field::Video, NO_MEDIA),
            (Field::File, NO_MEDIA),
        ],
    },
    Row {
        wires: &["ollama.generate"],
        hosts: &[],
        models: &[],
        source: "https://docs.ollama.com/api/generate",
        rules: &[
            (Field::Tools, NO_FIELD),
            (Field::ToolStrict, NO_FIELD),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
            (Field::Continue, NOT_CONTINUED),
        ],
    },
    // Said by Ollama's maintainers; the API reference is silent.
    Row {
        wires: &["ollama.chat"],
        hosts: &[],
        models: &[],
        source: "https://github.com/ollama/ollama/issues/6778",
        rules: &[(Field::Continue, Rule::Continues(&[]))],
    },
];
