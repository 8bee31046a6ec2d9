//! What Converse leaves to the model: `top_k` and thinking stand in `additionalModelRequestFields`, in words of the
//! model's own.

use belvedere_core::error::Result;
use belvedere_core::request::{Effort, Reasoning, Request};
use serde_json::{Map, Value, json};

use super::block::unsupported;

/// A family of models that has words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's Claude: <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html>.
    Claude,
    /// Amazon's Nova: <https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html>.
    Nova,
    /// OpenAI's open models: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html>.
    OpenAi,
    /// Qwen, whose recorded requests have `reasoning_config`.
    Qwen,
    /// Mistral: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html>.
    Mistral,
    /// DeepSeek, which refuses its own thinking when it comes back (langchain-aws#401).
    DeepSeek,
    /// Any other, or a profile whose address does not tell.
    Other,
}

impl Family {
    /// The family of a model id, which may have a region's prefix or be an ARN.
    pub(super) fn of(model: &str) -> Self {
        let has = |word: &str| model.contains(word);
        match () {
            () if has("anthropic.") || has("claude") => Family::Claude,
            () if has("amazon.nova") => Family::Nova,
            () if has("openai.") => Family::OpenAi,
            () if has("qwen.") => Family::Qwen,
            () if has("mistral.") => Family::Mistral,
            () if has("deepseek.") => Family::DeepSeek,
            () => Family::Other,
        }
    }

    /// Whether a model takes thinking back that has no signature.
    pub(super) fn takes_unsigned(self) -> bool {
        !matches!(self, Family::Claude | Family::DeepSeek)
    }

    /// The fields for `top_k` and thinking.
    ///
    /// # Errors
    /// `Unsupported` naming what the family has no word for.
    pub(super) fn fields(self, request: &Request) -> Result<Map<String, Value>> {
        let mut fields = Map::new();
        if let Some(top_k) = request.top_k {
            match self {
                Family::Claude | Family::Mistral => put(&mut fields, "top_k", top_k.into()),
                Family::Nova => put(&mut fields, "inferenceConfig", json!({ "topK": top_k })),
                _ => return Err(lacking("top_k")),
            }
        }
        if let Some(reasoning) = &request.reasoning {
            self.thinking(reasoning, &mut fields)?;
        }
        Ok(fields)
    }

    fn thinking(self, reasoning: &Reasoning, fields: &mut Map<String, Value>) -> Result<()> {
        let (budget, effort) = (reasoning.max_tokens, reasoning.effort);
        if self == Family::Claude {
            match (budget, effort) {
                (Some(0), _) | (None, Some(Effort::None)) => {
                    put(fields, "thinking", json!({"type": "disabled"}))
                }
                (Some(tokens), _) => {
                    put(fields, "thinking", json!({"type": "enabled", "budget_tokens": tokens}));
                }
                (None, _) => {}
            }
            if let Some(effort) = effort.filter(|effort| *effort != Effort::None) {
                // The least is `low`.
                let word = if effort == Effort::Minimal { "low" } else { effort.as_str() };
                put(fields, "output_config", json!({ "effort": word }));
            }
            return Ok(());
        }
        if budget.is_some() {
            return Err(lacking("reasoning.max_tokens"));
        }
        let Some(effort) = effort else { return Ok(()) };
        // Three steps are all there are.
        let step = match effort {
            Effort::None => None,
            Effort::Minimal | Effort::Low => Some("low"),
            Effort::Medium => Some("medium"),
            _ => Some("high"),
        };
        match (self, step) {
            (Family::Nova, Some(step)) => {
                put(fields, "reasoningConfig", json!({"type": "enabled", "maxReasoningEffort": step}));
            }
            (Family::Nova, None) => put(fields, "reasoningConfig", json!({"type": "disabled"})),
            (Family::OpenAi, Some(step)) => put(fields, "reasoning_effort", step.into()),
            (Family::Qwen, Some(step)) => put(fields, "reasoning_config", step.into()),
            _ => return Err(lacking("reasoning.effort")),
        }
        Ok(())
    }
}

fn put(fields: &mut Map<String, Value>, key: &str, value: Value) {
    fields.insert(key.to_owned(), value);
}

fn lacking(parameter: &str) -> belvedere_core::error::Error {
    let what =
        "Converse has no such parameter for this model; additionalModelRequestFields takes the model's own";
    unsupported(parameter, what).with("parameter", parameter)
}

impl Family {
    /// The mirror of [`Family::fields`]: takes out what a request has a place for.
    pub(super) fn lift(self, fields: &mut Map<String, Value>, request: &mut Request) {
        let top_k = match self {
            Family::Claude | Family::Mistral => fields.get("top_k").and_then(Value::as_u64),
            Family::Nova => fields.get("inferenceConfig").and_then(|c| c.get("topK")?.as_u64()),
            _ => None,
        };
        let word = |key: &str, name: &str| fields.get(key)?.get(name).and_then(Value::as_str);
        let effort = match self {
            Family::Claude => word("output_config", "effort"),
            Family::Nova => word("reasoningConfig", "maxReasoningEffort"),
            Family::OpenAi => fields.get("reasoning_effort").and_then(Value::as_str),
            Family::Qwen => fields.get("reasoning_config").and_then(Value::as_str),
            _ => None,
        };
        let off = ["thinking", "reasoningConfig"].iter().any(|key| word(key, "type") == Some("disabled"));
        let mut reasoning = Reasoning::default();
        reasoning.effort = if off { Some(Effort::None) } else { effort.and_then(effort_of) };
        reasoning.max_tokens = fields.get("thinking").and_then(|t| t.get("budget_tokens")?.as_u64());
        let mut read = Request::default();
        read.top_k = top_k;
        read.reasoning = Some(reasoning).filter(|reasoning| *reasoning != Reasoning::default());
        // Only what is written again as it was is taken: the rest is the model's own business.
        let Ok(written) = self.fields(&read) else { return };
        if written.iter().all(|(key, value)| fields.get(key) == Some(value)) {
            fields.retain(|key, _| !written.contains_key(key));
            request.top_k = read.top_k;
            request.reasoning = read.reasoning.take();
        }
    }
}

fn effort_of(word: &str) -> Option<Effort> {
    let all = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh];
    all.into_iter().find(|effort| effort.as_str() == word)
}
