//! Google's generateContent, at AI Studio and Vertex.

use belvedere_core::request::Effort::{High, Low, Medium, Minimal, Xhigh};

use super::{ANYWHERE, NO_FIELD, NOT_CONTINUED, within};
use crate::capabilities::rule::{Dialect, Field, Row, Rule};

const WIRES: &[&str] = &["google.generate"];
const API: &str = "https://ai.google.dev/api/generate-content#generationconfig";
const THINKING: &str = "https://ai.google.dev/gemini-api/docs/thinking";

/// `responseJsonSchema`: keywords that are not on its list. The model would not be held to them.
const SCHEMA: Dialect = Dialect {
    lacks: &[
        "allOf",
        "const",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "if",
        "maxLength",
        "maxProperties",
        "minLength",
        "minProperties",
        "multipleOf",
        "not",
        "pattern",
        "patternProperties",
        "then",
        "uniqueItems",
    ],
    formats: &[],
    min_items: None,
    always: true,
};

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: WIRES,
        hosts: &[],
        models: &[],
        source: API,
        rules: &[
            (Field::Temperature, within(0.0, 2.0)),
            (Field::TopLogprobs, within(0.0, 20.0)),
            (Field::Stop, Rule::AtMost(5)),
            (Field::User, NO_FIELD),
            (Field::Parallel, NO_FIELD),
            (Field::Speaker, NO_FIELD),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
            (Field::EmbedUser, NO_FIELD),
            (Field::Image, ANYWHERE),
            (Field::Audio, ANYWHERE),
            (Field::Video, ANYWHERE),
            (Field::File, ANYWHERE),
            (Field::ProviderTools, Rule::Own(TOOLS)),
            (Field::Continue, NOT_CONTINUED),
        ],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &[],
        source: "https://ai.google.dev/api/generate-content#FIELDS.response_json_schema",
        rules: &[(Field::Dialect, Rule::Dialect(&SCHEMA))],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*gemini-1*", "*gemini-2.0*"],
        source: THINKING,
        rules: &[
            (Field::Effort, Rule::Thoughtless("the model does not think")),
            (Field::Budget, Rule::Lacks("the model does not think")),
        ],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*gemini-2.5-pro*"],
        source: THINKING,
        rules: &[(Field::Effort, Rule::Efforts(&[Minimal, Low, Medium, High, Xhigh]))],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*gemini-3*"],
        source: THINKING,
        rules: &[(Field::Effort, Rule::Efforts(&[Minimal, Low, Medium, High]))],
    },
    Row {
        wires: WIRES,
        hosts: &[],
        models: &["*gemini-3-pro*"],
        source: THINKING,
        rules: &[(Field::Effort, Rule::Efforts(&[Low, High]))],
    },
];

/// "Tool" of the API reference; there a tool is known by its only field.
const TOOLS: &[&str] = &[
    "codeExecution",
    "code_execution",
    "computerUse",
    "computer_use",
    "enterpriseWebSearch",
    "fileSearch",
    "googleMaps",
    "google_maps",
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "retrieval",
    "urlContext",
    "url_context",
];
