//! The servers that speak this wire, and how they differ: data, not code.
//!
//! Addresses and names of key variables are those of each server's own documentation.

use std::borrow::Cow;

use super::decode::Done;

/// A server that speaks OpenAI's wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// Its name: the `type` in a configuration.
    pub name: &'static str,
    /// Its address; `None` where each account or installation has its own.
    pub base_url: Option<&'static str>,
    /// The environment variable that holds its key by custom.
    pub key_env: Option<&'static str>,
    /// Whether it refuses calls without a key.
    pub needs_key: bool,
    /// The field that limits the length of the answer.
    pub max_tokens: &'static str,
    /// The field of the seed.
    pub seed: &'static str,
    /// Whether `stream_options.include_usage` may be sent. Where not, usage comes unasked or not at all.
    pub stream_usage: bool,
    /// What `[DONE]` means without a finish reason.
    pub done: Done,
    /// Whether it knows the role `developer`; else `system` is sent.
    pub developer: bool,
    /// Whether it knows `top_k`.
    pub top_k: bool,
    /// Whether an assistant message may have a `refusal`; else it is sent as text.
    pub refusal: bool,
    /// Whether messages may hold video.
    pub video: bool,
    /// Whether files may be given by address.
    pub file_url: bool,
    /// How it is told how much to think.
    pub thinking: Thinking,
    /// How thinking is carried back.
    pub carry: Carry,
    /// How it gives embeddings.
    pub vectors: Vectors,
    /// The field of an embedding's dimensions.
    pub dimensions: &'static str,
    /// Its word for a choice of tools that must call one.
    pub must_call: &'static str,
    /// How sound and files are written.
    pub media: MediaForm,
    /// Which ids of calls it takes back.
    pub call_ids: CallIds,
    /// How it is told to go on with an answer.
    pub prefill: Prefill,
    /// Where it goes on with answers, below its address; empty: where all else is.
    pub prefill_at: &'static str,
    /// Whether it says the beginning of such an answer again, ahead of what is new.
    pub repeats: bool,
}

/// How a server is told that the last message is the beginning of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefill {
    /// It is not known to go on with answers.
    Never,
    /// It goes on with every last message of the assistant's.
    Always,
    /// This field of the message is true.
    Mark(&'static str),
    /// These fields stand beside the messages.
    Switches(&'static [(&'static str, bool)]),
}

/// How a server is told how much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Thinking {
    /// `reasoning_effort: "high"` (OpenAI).
    Effort,
    /// `reasoning: {effort, max_tokens}` (OpenRouter).
    Object,
    /// `thinking: {type: enabled | disabled}` (DeepSeek, Moonshot, Z.ai).
    Switch,
    /// `enable_thinking` and `thinking_budget` (Alibaba).
    Budget,
}

/// How thinking of earlier turns is carried back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carry {
    /// Not at all.
    Drop,
    /// As text in this field of the message.
    Field(&'static str),
    /// As `reasoning_details` where the server gave them, else as text in `reasoning` (OpenRouter).
    Details,
    /// As `thinking` items of the content (Mistral).
    Items,
}

/// How sound and files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaForm {
    /// `input_audio: {data, format}`, `file: {file_data, filename}` (OpenAI).
    Objects,
    /// `input_audio: "base64"`, `document_url: "..."` (Mistral, "Audio" and "Document Q&A").
    Texts,
}

/// Which ids of tool calls a server takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallIds {
    /// Any.
    Any,
    /// Nine letters and digits (Mistral). Others are written as nine that are always the same for the same id.
    Nine,
}

/// How a server gives embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vectors {
    /// Numbers, which are asked for; base64 holds 32-bit floats (OpenAI).
    Floats,
    /// Base64 of signed bytes (Perplexity, "Embeddings": `base64_int8`), below `/v1`.
    Bytes,
}

/// What most compatible servers have in common.
const COMMON: Host = Host {
    name: "openai_compatible",
    base_url: None,
    key_env: None,
    needs_key: false,
    max_tokens: "max_tokens",
    seed: "seed",
    stream_usage: true,
    done: Done::Sentinel,
    developer: false,
    top_k: true,
    refusal: false,
    video: false,
    file_url: false,
    thinking: Thinking::Effort,
    carry: Carry::Drop,
    vectors: Vectors::Floats,
    dimensions: "dimensions",
    must_call: "required",
    media: MediaForm::Objects,
    call_ids: CallIds::Any,
    prefill: Prefill::Never,
    prefill_at: "",
    repeats: false,
};

/// A hosted service.
const fn hosted(name: &'static str, base_url: &'static str, key_env: &'static str) -> Host {
    Host { name, base_url: Some(base_url), key_env: Some(key_env), needs_key: true, top_k: false, ..COMMON }
}

/// A hosted service for open models, with the parameters their engines have.
const fn open_models(name: &'static str, base_url: &'static str, key_env: &'static str) -> Host {
    Host { top_k: true, ..hosted(name, base_url, key_env) }
}

/// A server on one's own machine.
const fn local(name: &'static str, base_url: &'static str) -> Host {
    Host { name, base_url: Some(base_url), ..COMMON }
}

/// Any server that speaks this wire and is not in the table.
pub const ANY: Host = COMMON;

/// OpenAI itself.
const OPENAI: Host = Host {
    max_tokens: "max_completion_tokens",
    developer: true,
    refusal: true,
    ..hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY")
};

/// Azure OpenAI: OpenAI's models at each resource's own address.
pub const AZURE: Host =
    Host { name: "azure_openai", base_url: None, key_env: Some("AZURE_OPENAI_API_KEY"), ..OPENAI };

/// Mistral. Fields: <https://docs.mistral.ai/api>.
const MISTRAL: Host = Host {
    seed: "random_seed",
    stream_usage: false,
    file_url: true,
    carry: Carry::Items,
    dimensions: "output_dimension",
    must_call: "any",
    media: MediaForm::Texts,
    call_ids: CallIds::Nine,
    prefill: Prefill::Mark("prefix"),
    // <https://github.com/vercel/ai/pull/3256>
    repeats: true,
    ..hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY")
};

/// Every server known by name.
pub const HOSTS: &[Host] = &[
    ANY,
    OPENAI,
    AZURE,
    Host {
        video: true,
        prefill: Prefill::Mark("partial"),
        ..open_models("alibaba", ALIBABA, "DASHSCOPE_API_KEY").with_budget()
    },
    Host { base_url: None, ..hosted("bedrock_mantle", "", "AWS_BEARER_TOKEN_BEDROCK") },
    Host {
        max_tokens: "max_completion_tokens",
        carry: Carry::Field("reasoning"),
        ..hosted("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY")
    },
    hosted("copilot", "https://api.githubcopilot.com", "GITHUB_COPILOT_API_KEY"),
    open_models("crusoe", "https://api.inference.crusoecloud.com/v1", "CRUSOE_API_KEY"),
    open_models("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    Host {
        thinking: Thinking::Switch,
        carry: Carry::Field("reasoning_content"),
        prefill: Prefill::Mark("prefix"),
        prefill_at: "/beta",
        ..hosted("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY")
    },
    open_models("doubleword", "https://api.doubleword.ai/v1", "DOUBLEWORD_API_KEY"),
    Host {
        carry: Carry::Field("reasoning_content"),
        ..open_models("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY")
    },
    hosted("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    hosted("github", "https://models.github.ai/inference", "GITHUB_TOKEN"),
    Host { base_url: None, key_env: Some("GPUSTACK_API_KEY"), needs_key: true, ..local("gpustack", "") }
        .with_reasoning_content(),
    Host {
        max_tokens: "max_completion_tokens",
        carry: Carry::Field("reasoning"),
        prefill: Prefill::Always,
        ..hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY")
    },
    open_models("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
    open_models("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
    Host { prefill: CONTINUE_FINAL_MESSAGE, ..local("llama_cpp", "http://localhost:8080/v1") }
        .with_reasoning_content(),
    local("lm_studio", "http://localhost:1234/v1"),
    MISTRAL,
    local("mistralrs", "http://localhost:1234/v1"),
    Host {
        thinking: Thinking::Switch,
        video: true,
        prefill: Prefill::Mark("partial"),
        ..hosted("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY").with_reasoning_content()
    },
    open_models("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    Host {
        carry: Carry::Field("reasoning"),
        prefill: Prefill::Always,
        ..local("ollama", "http://localhost:11434/v1")
    },
    Host {
        developer: true,
        video: true,
        file_url: true,
        thinking: Thinking::Object,
        carry: Carry::Details,
        prefill: Prefill::Always,
        ..open_models("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY")
    },
    Host {
        stream_usage: false,
        vectors: Vectors::Bytes,
        ..open_models("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY")
    },
    open_models("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    Host {
        prefill: Prefill::Switches(&[("continue_final_message", true)]),
        ..local("sglang", "http://localhost:30000/v1").with_reasoning_content()
    },
    Host {
        base_url: None,
        max_tokens: "max_completion_tokens",
        done: Done::End,
        ..hosted("snowflake", "", "SNOWFLAKE_TOKEN")
    },
    open_models("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Host {
        carry: Carry::Field("reasoning_content"),
        ..open_models("venice", "https://api.venice.ai/api/v1", "VENICE_API_KEY")
    },
    Host { video: true, prefill: CONTINUE_FINAL_MESSAGE, ..local("vllm", "http://localhost:8000/v1") }
        .with_reasoning_content(),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY").with_reasoning_content(),
    Host {
        thinking: Thinking::Switch,
        video: true,
        ..hosted("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY").with_reasoning_content()
    },
];

const ALIBABA: &str = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1";

/// The two switches of Transformers' `apply_chat_template`, which may not be true both.
const CONTINUE_FINAL_MESSAGE: Prefill =
    Prefill::Switches(&[("continue_final_message", true), ("add_generation_prompt", false)]);

impl Host {
    const fn with_reasoning_content(self) -> Self {
        Host { carry: Carry::Field("reasoning_content"), ..self }
    }

    const fn with_budget(self) -> Self {
        Host { thinking: Thinking::Budget, ..self }
    }

    /// Where embeddings are asked for, below the address.
    pub(crate) const fn embeddings_path(&self) -> &'static str {
        match self.vectors {
            Vectors::Floats => "/embeddings",
            Vectors::Bytes => "/v1/embeddings",
        }
    }
}

impl CallIds {
    /// An id as the server takes it.
    pub(crate) fn write(self, id: &str) -> Cow<'_, str> {
        const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self == CallIds::Any || fits {
            return id.into();
        }
        // FNV-1a with 64 bits (RFC 9923), in nine signs to the base of 62.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        let sign = |_| {
            let sign = SIGNS.get((hash % 62) as usize).copied().unwrap_or(b'0');
            hash /= 62;
            char::from(sign)
        };
        (0..9).map(sign).collect::<String>().into()
    }
}

/// The server with this name.
pub fn find(name: &str) -> Option<&'static Host> {
    HOSTS.iter().find(|host| host.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: std::collections::BTreeSet<_> = HOSTS.iter().map(|host| host.name).collect();
        assert_eq!(names.len(), HOSTS.len());
        for host in HOSTS {
            assert_eq!(find(host.name), Some(host));
        }
        assert_eq!(find("nowhere"), None);
    }

    #[test]
    fn addresses_are_absolute_and_end_without_a_slash() {
        for host in HOSTS {
            let Some(url) = host.base_url else { continue };
            let uri: http::Uri = url.parse().unwrap();
            assert!(uri.scheme().is_some() && uri.host().is_some(), "{url}");
            assert!(!url.ends_with('/'), "{url}");
            let own = uri.host() == Some("localhost");
            assert_eq!(uri.scheme_str() == Some("http"), own, "{url}: a key never goes over plain HTTP");
            assert_eq!(host.needs_key, !own, "{url}");
        }
    }
}
