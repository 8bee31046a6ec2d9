//! Servers that speak OpenAI's chat completions, where they document what they lack.

use belvedere_core::request::Effort;

use super::{DATA_OR_URL, NO_FIELD, within};
use crate::capabilities::rule::Thinking::Asked;
use crate::capabilities::rule::{Field, Row, Rule, Unless};

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
    // Each that is in the table of servers with a way to go on with an answer.
    Row {
        wires: CHAT,
        hosts: &["alibaba"],
        models: &[],
        source: PARTIAL,
        rules: &[(Field::Continue, Rule::Lacks("the model has no partial mode that is known"))],
    },
    Row { wires: CHAT, hosts: &["alibaba"], models: &["qwen*"], source: PARTIAL, rules: UNLESS_IT_THINKS },
    Row {
        wires: CHAT,
        hosts: &["alibaba"],
        models: &["qwen*-thinking*"],
        source: PARTIAL,
        rules: &[(Field::Continue, Rule::Lacks("models that always think have no partial mode"))],
    },
    continues(&["deepseek"], "https://api-docs.deepseek.com/guides/chat_prefix_completion", ALWAYS),
    continues(&["groq"], "https://console.groq.com/docs/prefilling", ALWAYS),
    continues(&["llama_cpp"], "https://github.com/ggml-org/llama.cpp/pull/23012", UNLESS_IT_THINKS),
    continues(&["mistral"], "https://docs.mistral.ai/api/endpoint/chat", ALWAYS),
    continues(&["moonshot"], "https://platform.kimi.ai/docs/api/partial", UNLESS_JSON),
    continues(&["ollama"], "https://github.com/ollama/ollama/issues/6778", ALWAYS),
    continues(&["openrouter"], "https://openrouter.ai/docs/api-reference/overview#assistant-prefill", ALWAYS),
    continues(&["sglang"], "https://github.com/sgl-project/sglang/pull/4226", ALWAYS),
    continues(&["vllm"], "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html", ALWAYS),
    // What OpenRouter passes on, these models do not go on with.
    Row {
        wires: CHAT,
        hosts: &["openrouter"],
        models: &["anthropic/*", "cohere/*", "google/gemini*", "openai/*", "x-ai/*"],
        source: "https://openrouter.ai/docs/api-reference/overview#assistant-prefill",
        rules: &[(Field::Continue, Rule::Lacks("the model is not known to go on with an answer"))],
    },
    Row {
        wires: CHAT,
        hosts: &["openrouter"],
        models: &[
            "anthropic/claude-3*",
            "anthropic/claude-haiku-4.5*",
            "anthropic/claude-opus-4",
            "anthropic/claude-opus-4.1*",
            "anthropic/claude-opus-4.5*",
            "anthropic/claude-sonnet-4",
            "anthropic/claude-sonnet-4.5*",
        ],
        source: "https://platform.claude.com/docs/en/about-claude/models/migration-guide",
        rules: &[(Field::Continue, Rule::Continues(&[Unless::Thinks(Asked), Unless::JsonSchema]))],
    },
];

/// "Partial mode".
const PARTIAL: &str = "https://www.alibabacloud.com/help/en/model-studio/partial-mode";

const fn continues(
    hosts: &'static [&'static str],
    source: &'static str,
    rules: &'static [(Field, Rule)],
) -> Row {
    Row { wires: CHAT, hosts, models: &[], source, rules }
}

const ALWAYS: &[(Field, Rule)] = &[(Field::Continue, Rule::Continues(&[]))];
const UNLESS_IT_THINKS: &[(Field, Rule)] = &[(Field::Continue, Rule::Continues(&[Unless::Thinks(Asked)]))];
const UNLESS_JSON: &[(Field, Rule)] = &[(Field::Continue, Rule::Continues(&[Unless::JsonObject]))];

const REASONS: Rule = Rule::Lacks("xAI's reasoning models do not take it");
