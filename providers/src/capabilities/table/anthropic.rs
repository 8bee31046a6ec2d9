//! Anthropic's wire, and Claude wherever it is served.

use belvedere_core::message::MediaKind;
use belvedere_core::request::Effort::{self, High, Low, Medium, Minimal, None, Xhigh};

use super::{ANYWHERE, NO_FIELD, NO_MEDIA, within};
use crate::capabilities::rule::{Dialect, Field, Number, Row, Rule, Thinking, Unless};

const MESSAGES: &[&str] = &["anthropic.messages"];
const CLAUDE: &[&str] = &["anthropic.messages", "bedrock.converse"];

const API: &str = "https://platform.claude.com/docs/en/api/messages";
const MIGRATION: &str = "https://platform.claude.com/docs/en/about-claude/models/migration-guide";
const EFFORT: &str = "https://platform.claude.com/docs/en/build-with-claude/effort";
const ADAPTIVE: &str = "https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking";
const PREFILL: &str =
    "https://platform.claude.com/docs/en/build-with-claude/prompt-engineering/prefill-claudes-response";
const THINKING: &str = "https://platform.claude.com/docs/en/build-with-claude/extended-thinking";

/// "Structured outputs", JSON Schema limitations.
const SCHEMA: Dialect = Dialect {
    lacks: &[
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
    ],
    formats: &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"],
    min_items: Some(1),
    always: true,
};

/// What an effort means to a model that knows budgets only. The figures are ours: Anthropic names none; its least
/// budget is 1024, and above 32,000 it advises batches ("Extended thinking").
const BUDGETS: &[(Effort, u64)] =
    &[(Minimal, 1024), (Low, 2048), (Medium, 8192), (High, 16_384), (Xhigh, 32_000)];

/// Models that go on with answers think by a budget; an effort alone is one of the answer.
const CONTINUES: Rule = Rule::Continues(&[Unless::Thinks(Thinking::Budget), Unless::JsonSchema]);
const GONE: Rule = Rule::Lacks("the model takes no sampling parameters");

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: MESSAGES,
        hosts: &[],
        models: &[],
        source: API,
        rules: &[
            (Field::Temperature, within(0.0, 1.0)),
            (Field::TopP, within(0.0, 1.0)),
            (Field::N, NO_FIELD),
            (Field::Seed, NO_FIELD),
            (Field::PresencePenalty, NO_FIELD),
            (Field::FrequencyPenalty, NO_FIELD),
            (Field::Logprobs, NO_FIELD),
            (Field::TopLogprobs, NO_FIELD),
            (Field::JsonObject, Rule::Lacks("Anthropic's wire has no free JSON object; give a json_schema")),
            (Field::Image, ANYWHERE),
            (Field::File, ANYWHERE),
            (Field::Audio, NO_MEDIA),
            (Field::Video, NO_MEDIA),
            (Field::ToolMedia, Rule::Kinds(&[MediaKind::Image, MediaKind::File])),
            (Field::Speaker, NO_FIELD),
            (Field::SystemMedia, Rule::Lacks("instructions are text")),
            (Field::ProviderTools, Rule::Own(TOOLS)),
        ],
    },
    // "Structured outputs", feature compatibility: no prefilling beside JSON outputs.
    Row { wires: MESSAGES, hosts: &[], models: &[], source: PREFILL, rules: &[(Field::Continue, CONTINUES)] },
    Row {
        wires: MESSAGES,
        hosts: &[],
        models: &[],
        source: "https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations",
        rules: &[(Field::Dialect, Rule::Dialect(&SCHEMA))],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &["*claude*"],
        source: THINKING,
        rules: &[
            (Field::Temperature, Rule::Number(Number::new(0.0, 1.0).thinking(Thinking::Budget, 1.0, 1.0))),
            (Field::TopP, Rule::Number(Number::new(0.0, 1.0).thinking(Thinking::Budget, 0.95, 1.0))),
            (Field::TopK, Rule::Quiet(Thinking::Budget)),
            (Field::ChoiceRequired, Rule::Quiet(Thinking::Budget)),
            (Field::ChoiceFunction, Rule::Quiet(Thinking::Budget)),
            (Field::Effort, Rule::Efforts(&[None, Low, Medium, High, Xhigh])),
        ],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &[
            "*claude-2*",
            "*claude-instant*",
            "*claude-3-opus*",
            "*claude-3-sonnet*",
            "*claude-3-haiku*",
            "*claude-3-5-*",
        ],
        source: THINKING,
        rules: &[
            (Field::Budget, Rule::Lacks("the model does not think")),
            (Field::Effort, Rule::Thoughtless("the model does not think")),
        ],
    },
    // The efforts came with Opus 4.5: models before it think by a budget.
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &[
            "*claude-3-7-*",
            "*claude-opus-4-0*",
            "*claude-opus-4-1*",
            "*claude-opus-4-2*",
            "*claude-sonnet-4-0*",
            "*claude-sonnet-4-2*",
            "*claude-sonnet-4-5*",
            "*claude-haiku-4-5*",
        ],
        source: EFFORT,
        rules: &[(Field::Effort, Rule::Budgets(BUDGETS))],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &["*claude-opus-4-5*", "*claude-opus-4-6*", "*claude-sonnet-4-6*"],
        source: EFFORT,
        rules: &[(Field::Effort, Rule::Efforts(&[None, Low, Medium, High]))],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &["*claude-opus-4-6*", "*claude-sonnet-4-6*"],
        source: ADAPTIVE,
        rules: &[(Field::Switch, Rule::Adaptive)],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &[
            "*claude-opus-4-1*",
            "*claude-opus-4-5*",
            "*claude-opus-4-6*",
            "*claude-sonnet-4-5*",
            "*claude-sonnet-4-6*",
            "*claude-haiku-4-5*",
        ],
        source: MIGRATION,
        rules: &[(
            Field::TopP,
            Rule::Number(Number::new(0.0, 1.0).not_with(Field::Temperature).thinking(
                Thinking::Budget,
                0.95,
                1.0,
            )),
        )],
    },
    // From here on thinking is adaptive: no budget, and nothing to sample with.
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &[
            "*claude-opus-4-7*",
            "*claude-opus-4-8*",
            "*claude-opus-5*",
            "*claude-sonnet-5*",
            "*claude-fable-5*",
            "*claude-mythos-5*",
            "*claude-haiku-5*",
        ],
        source: MIGRATION,
        rules: &[
            (Field::Temperature, GONE),
            (Field::TopP, GONE),
            (Field::TopK, GONE),
            (Field::Budget, Rule::Lacks("the model decides how many tokens it thinks; set reasoning.effort")),
            (Field::Switch, Rule::Adaptive),
        ],
    },
    // No model since 4.6 goes on with an answer.
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &["*claude*"],
        source: MIGRATION,
        rules: &[(Field::Continue, Rule::Lacks("Claude does not go on with an answer from 4.6 on"))],
    },
    Row {
        wires: CLAUDE,
        hosts: &[],
        models: &[
            "*claude-2*",
            "*claude-instant*",
            "*claude-v2*",
            "*claude-3-*",
            "*claude-opus-4-0*",
            "*claude-opus-4-1*",
            "*claude-opus-4-2*",
            "*claude-opus-4-5*",
            "*claude-opus-4@*",
            "*claude-sonnet-4-0*",
            "*claude-sonnet-4-2*",
            "*claude-sonnet-4-5*",
            "*claude-sonnet-4@*",
            "*claude-haiku-4-5*",
        ],
        source: PREFILL,
        rules: &[(Field::Continue, CONTINUES)],
    },
];

/// "Tool use", server tools and tools with a schema of Anthropic's. Each has its date in its type.
const TOOLS: &[&str] = &[
    "advisor_2*",
    "bash_2*",
    "code_execution_2*",
    "computer_2*",
    "custom",
    "mcp_toolset",
    "memory_2*",
    "text_editor_2*",
    "tool_search_tool_*",
    "web_fetch_2*",
    "web_search_2*",
];
