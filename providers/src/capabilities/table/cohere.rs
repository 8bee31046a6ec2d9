//! Cohere's chat, second version.

use super::{DATA_OR_URL, NO_FIELD, NO_MEDIA, NOT_CONTINUED, within};
use crate::capabilities::rule::{Dialect, Field, Row, Rule};

const WIRES: &[&str] = &["cohere.chat"];

/// "Structured outputs", unsupported schema features.
const SCHEMA: Dialect = Dialect {
    lacks: &[
        "allOf",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maximum",
        "minLength",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "uniqueItems",
    ],
    formats: &[],
    min_items: Some(1),
    always: true,
};

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: WIRES,
        hosts: &[],
        models: &[],
        source: "https://docs.cohere.com/reference/chat",
        rules: &[
            (Field::TopK, within(0.0, 500.0)),
            (Field::TopP, within(0.01, 0.99)),
            (Field::PresencePenalty, within(0.0, 1.0)),
            (Field::FrequencyPenalty, within(0.0, 1.0)),
            (Field::Stop, Rule::AtMost(5)),
            (Field::N, NO_FIELD),
            (Field::TopLogprobs, NO_FIELD),
            (Field::User, NO_FIELD),
            (Field::Parallel, NO_FIELD),
            (Field::Speaker, NO_FIELD),
            (Field::ProviderTools, Rule::Lacks("the server runs no tools")),
            (Field::ChoiceFunction, Rule::Lacks("the wire has REQUIRED and NONE")),
            (Field::EmbedUser, NO_FIELD),
            (Field::Image, DATA_OR_URL),
            (Field::Audio, NO_MEDIA),
            (Field::Video, NO_MEDIA),
            (Field::File, NO_MEDIA),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
            (Field::OwnMedia, Rule::Lacks("a message of the model can't hold media")),
            (Field::Continue, NOT_CONTINUED),
            (Field::ToolMedia, Rule::Lacks("the result of a tool is text or documents")),
        ],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &[],
        source: "https://docs.cohere.com/docs/structured-outputs#unsupported-schema-features",
        rules: &[(Field::Dialect, Rule::Dialect(&SCHEMA))],
    },
];
