//! OpenAI's models, at OpenAI and Azure.

use belvedere_core::request::Effort::{High, Low, Medium, Minimal, None, Xhigh};

use super::within;
use crate::capabilities::rule::{Field, Row, Rule, Thinking};

const WIRES: &[&str] = &["openai.chat", "openai.responses"];
const HOSTS: &[&str] = &["openai", "azure_openai"];

/// "Reasoning", <https://platform.openai.com/docs/guides/reasoning>.
const REASONING: &str = "https://platform.openai.com/docs/guides/reasoning";
/// "Azure OpenAI reasoning models", API and feature support.
const AZURE: &str = "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning";
/// "Using the latest model", parameter compatibility.
const LATEST: &str = "https://platform.openai.com/docs/guides/latest-model#gpt-5-2-parameter-compatibility";
/// The values of `reasoning.effort`, model by model.
const EFFORTS: &str =
    "https://platform.openai.com/docs/api-reference/responses/create#responses_create-reasoning";

const NOT_REASONING: Rule = Rule::Lacks("OpenAI's reasoning models do not take it");
const WHILE_NONE: Rule = Rule::Quiet(Thinking::Asked);

pub(super) const ROWS: &[Row] = &[
    row(
        &["gpt-4*", "gpt-3.5*", "chatgpt-4o*"],
        REASONING,
        &[(Field::Effort, Rule::Thoughtless("the model does not reason"))],
    ),
    row(
        &["o1*", "o3*", "o4-mini*", "codex-mini*", "gpt-5*"],
        AZURE,
        &[
            (Field::Temperature, NOT_REASONING),
            (Field::TopP, NOT_REASONING),
            (Field::PresencePenalty, NOT_REASONING),
            (Field::FrequencyPenalty, NOT_REASONING),
            (Field::Logprobs, NOT_REASONING),
            (Field::TopLogprobs, NOT_REASONING),
        ],
    ),
    row(
        &["o1*", "o3*", "o4-mini*", "codex-mini*"],
        AZURE,
        &[(Field::Parallel, NOT_REASONING), (Field::Effort, Rule::Efforts(&[Low, Medium, High]))],
    ),
    row(
        &["o3*", "o4-mini*"],
        "https://platform.openai.com/docs/api-reference/chat/create#chat_create-stop",
        &[(Field::Stop, NOT_REASONING)],
    ),
    // Small reasoning models of the o series take stop sequences.
    row(
        &["o3-mini*"],
        "https://community.openai.com/t/does-o1-mini-officially-support-the-stop-parameter/1113029",
        &[(Field::Stop, Rule::AtMost(4))],
    ),
    row(&["gpt-5*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[Minimal, Low, Medium, High]))]),
    row(&["gpt-5-codex*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[Low, Medium, High]))]),
    row(&["gpt-5-pro*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[High]))]),
    row(&["gpt-5.*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[None, Low, Medium, High, Xhigh]))]),
    row(&["gpt-5.1*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[None, Low, Medium, High]))]),
    row(
        &["gpt-5.*"],
        LATEST,
        &[
            (Field::Temperature, WHILE_NONE),
            (Field::TopP, WHILE_NONE),
            (Field::Logprobs, WHILE_NONE),
            (Field::TopLogprobs, WHILE_NONE),
        ],
    ),
    row(
        &["gpt-5.1-codex*", "gpt-5.*-codex*", "gpt-5.*-pro*", "gpt-5.*-chat*"],
        LATEST,
        &[
            (Field::Temperature, NOT_REASONING),
            (Field::TopP, NOT_REASONING),
            (Field::Logprobs, NOT_REASONING),
            (Field::TopLogprobs, NOT_REASONING),
        ],
    ),
    row(&["gpt-5.1-codex*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[Low, Medium, High]))]),
    row(
        &["gpt-5.1-codex-max*", "gpt-5.2-codex*", "gpt-5.3-codex*"],
        EFFORTS,
        &[(Field::Effort, Rule::Efforts(&[Low, Medium, High, Xhigh]))],
    ),
    row(&["gpt-5.2-pro*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[Medium, High, Xhigh]))]),
    row(&["gpt-5.1-chat*", "gpt-5.2-chat*"], EFFORTS, &[(Field::Effort, Rule::Efforts(&[Medium]))]),
    // This one does not reason.
    row(
        &["gpt-5-chat*"],
        "https://platform.openai.com/docs/models/gpt-5-chat-latest",
        &[
            (Field::Effort, Rule::Thoughtless("the model does not reason")),
            (Field::Temperature, within(0.0, 2.0)),
            (Field::TopP, within(0.0, 1.0)),
            (Field::PresencePenalty, within(-2.0, 2.0)),
            (Field::FrequencyPenalty, within(-2.0, 2.0)),
            (Field::Logprobs, Rule::Sent),
            (Field::TopLogprobs, within(0.0, 20.0)),
        ],
    ),
    // The responses API has no penalties for any model.
    Row {
        wires: &["openai.responses"],
        hosts: HOSTS,
        models: &["gpt-5-chat*"],
        source: "https://platform.openai.com/docs/api-reference/responses/create",
        rules: &[(Field::PresencePenalty, super::NO_FIELD), (Field::FrequencyPenalty, super::NO_FIELD)],
    },
    // It has no stop sequences either.
    Row {
        wires: &["openai.responses"],
        hosts: HOSTS,
        models: &["o3-mini*"],
        source: "https://platform.openai.com/docs/api-reference/responses/create",
        rules: &[(Field::Stop, super::NO_FIELD)],
    },
];

const fn row(models: &'static [&'static str], source: &'static str, rules: &'static [(Field, Rule)]) -> Row {
    Row { wires: WIRES, hosts: HOSTS, models, source, rules }
}
