//! OpenAI's wires, whoever speaks them.

use belvedere_core::message::MediaKind;

use super::{ANYWHERE, DATA, DATA_OR_URL, NO_FIELD, NO_MEDIA, NOT_CONTINUED, within};
use crate::capabilities::rule::{Dialect, Field, Row, Rule};

/// "Structured model outputs", supported schemas: what a strict schema may use.
pub(super) const STRICT: Dialect = Dialect {
    lacks: &["allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else"],
    formats: &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"],
    min_items: None,
    always: false,
};

const OPENAI: &[&str] = &["openai", "azure_openai"];

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: &["openai.chat"],
        hosts: &[],
        models: &[],
        source: "https://platform.openai.com/docs/api-reference/chat/create",
        rules: &[
            (Field::Image, DATA_OR_URL),
            (Field::Audio, DATA),
            (Field::ToolMedia, Rule::Lacks("the result of a tool can only be text")),
            (Field::OwnMedia, Rule::SoundById),
            (Field::ProviderTools, Rule::Own(&["custom"])),
        ],
    },
    Row {
        wires: &["openai.chat"],
        hosts: OPENAI,
        models: &[],
        source: "https://platform.openai.com/docs/api-reference/chat/create",
        rules: &[
            (Field::Temperature, within(0.0, 2.0)),
            (Field::TopP, within(0.0, 1.0)),
            (Field::PresencePenalty, within(-2.0, 2.0)),
            (Field::FrequencyPenalty, within(-2.0, 2.0)),
            (Field::TopLogprobs, within(0.0, 20.0)),
            (Field::N, within(1.0, 128.0)),
            (Field::Stop, Rule::AtMost(4)),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
        ],
    },
    Row {
        wires: &["openai.chat", "openai.responses"],
        hosts: OPENAI,
        models: &[],
        source: "https://platform.openai.com/docs/guides/structured-outputs#supported-schemas",
        rules: &[(Field::Dialect, Rule::Dialect(&STRICT))],
    },
    Row {
        wires: &["openai.responses"],
        hosts: &[],
        models: &[],
        source: "https://platform.openai.com/docs/api-reference/responses/create",
        rules: &[
            (Field::TopK, NO_FIELD),
            (Field::Stop, NO_FIELD),
            (Field::Seed, NO_FIELD),
            (Field::N, NO_FIELD),
            (Field::PresencePenalty, NO_FIELD),
            (Field::FrequencyPenalty, NO_FIELD),
            (Field::TopLogprobs, within(0.0, 20.0)),
            (Field::Budget, Rule::Lacks("thinking is set by effort")),
            (Field::Image, ANYWHERE),
            (Field::File, ANYWHERE),
            (Field::Audio, DATA),
            (Field::Video, NO_MEDIA),
            (Field::Speaker, NO_FIELD),
            (Field::ToolMedia, Rule::Kinds(&[MediaKind::Image, MediaKind::File])),
            (Field::OwnMedia, Rule::BehindOwn),
            (Field::ProviderTools, Rule::Own(RESPONSES_TOOLS)),
            (Field::Continue, NOT_CONTINUED),
        ],
    },
];

/// "Using tools" of the responses API, and those of xAI's.
const RESPONSES_TOOLS: &[&str] = &[
    "web_search",
    "web_search_preview*",
    "web_search_2025_08_26",
    "file_search",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "image_generation",
    "mcp",
    "local_shell",
    "shell",
    "apply_patch",
    "custom",
    "tool_search",
    "x_search",
    "collections_search",
];
