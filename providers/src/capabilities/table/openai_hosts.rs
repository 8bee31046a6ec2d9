//! Servers that speak OpenAI's chat completions, where they document what they lack.

use belvedere_core::request::Effort;

use super::{DATA_OR_URL, NO_FIELD, within};
use crate::capabilities::rule::{Field, Row, Rule};

const CHAT: &[&str] = &["openai.chat"];

pub(super) const ROWS: &[Row] = &[
    Row {
        wires: CHAT,
        hosts: &["groq"],
        models: &[],
        source: "https://console.groq.com/docs/openai",
        rules: &[
            (Field::Logprobs, Rule::Lacks("Groq does not support it")),
            (Field::TopLogprobs, Rule::Lacks("Groq does not support it")),
            (Field::N, within(1.0, 1.0)),
            (Field::ProviderTools, Rule::Own(&["custom", "browser_search", "code_interpreter"])),
        ],
    },
    Row {
        wires: CHAT,
        hosts: &["mistral"],
        models: &[],
        source: "https://docs.mistral.ai/api/endpoint/chat",
        rules: &[
            (Field::User, NO_FIELD),
            (Field::Logprobs, NO_FIELD),
            (Field::TopLogprobs, NO_FIELD),
            (Field::EmbedUser, NO_FIELD),
            (Field::Audio, DATA_OR_URL),
        ],
    },
    Row {
        wires: CHAT,
        hosts: &["deepseek"],
        models: &[],
        source: "https://api-docs.deepseek.com/api/create-chat-completion",
        rules: &[(Field::JsonSchema, Rule::Lacks("DeepSeek takes text and json_object"))],
    },
    Row {
        wires: CHAT,
        hosts: &["openrouter"],
        models: &[],
        source: "https://openrouter.ai/docs/guides/features/server-tools/overview",
        rules: &[(Field::ProviderTools, Rule::Own(&["custom", "openrouter:*"]))],
    },
    Row {
        wires: CHAT,
        hosts: &["zai"],
        models: &[],
        source: "https://docs.z.ai/api-reference/llm/chat-completion",
        rules: &[
            (Field::ProviderTools, Rule::Own(&["web_search", "retrieval", "mcp"])),
            (Field::JsonSchema, Rule::Lacks("Z.ai takes text and json_object")),
        ],
    },
    Row {
        wires: CHAT,
        hosts: &["xai"],
        models: &["grok-4*", "grok-3-mini*", "grok-code-fast*"],
        source: "https://docs.x.ai/docs/guides/reasoning",
        rules: &[
            (Field::PresencePenalty, REASONS),
            (Field::FrequencyPenalty, REASONS),
            (Field::Stop, REASONS),
        ],
    },
    Row {
        wires: CHAT,
        hosts: &["xai"],
        models: &["grok-3-mini*"],
        source: "https://docs.x.ai/docs/guides/reasoning",
        rules: &[(Field::Effort, Rule::Efforts(&[Effort::Low, Effort::High]))],
    },
    Row {
        wires: CHAT,
        hosts: &["xai"],
        models: &["*non-reasoning*"],
        source: "https://docs.x.ai/docs/guides/reasoning",
        rules: &[
            (Field::PresencePenalty, Rule::Sent),
            (Field::FrequencyPenalty, Rule::Sent),
            (Field::Stop, Rule::Sent),
        ],
    },
];

const REASONS: Rule = Rule::Lacks("xAI's reasoning models do not take it");
