"""Providers: who answers.

`Client(provider=OpenAI(model="gpt-5-mini"))` asks OpenAI. Each is what a configuration names by its `type`:
`OpenAI(model="gpt-5-mini")` and `{"type": "openai", "model": "gpt-5-mini"}` are the same.
"""

# Written by `cargo xtask python`. Change what it is made from, not this file.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from belvedere._config import Entry, Provider, Secret

__all__ = [
    "Alibaba",
    "Anthropic",
    "ApiKeyAuth",
    "Auth",
    "AwsAuth",
    "AzureOpenAI",
    "Bedrock",
    "BedrockMantle",
    "Cerebras",
    "Cohere",
    "Copilot",
    "CopilotAuth",
    "Crusoe",
    "DeepInfra",
    "DeepSeek",
    "Doubleword",
    "EntraIdAuth",
    "Fireworks",
    "GPUStack",
    "Gemini",
    "GitHub",
    "Google",
    "Groq",
    "HuggingFace",
    "Hyperbolic",
    "LMStudio",
    "LlamaCpp",
    "MetadataAuth",
    "Mistral",
    "MistralRs",
    "Modality",
    "Moonshot",
    "NVIDIA",
    "NoneAuth",
    "OAuthAuth",
    "Ollama",
    "OpenAI",
    "OpenAICompatible",
    "OpenRouter",
    "Perplexity",
    "Policy",
    "Provider",
    "SGLang",
    "SambaNova",
    "ServiceAccountAuth",
    "Settings",
    "Snowflake",
    "Tenants",
    "Together",
    "TokenAuth",
    "Unsupported",
    "VLLM",
    "Venice",
    "Vertex",
    "XAI",
    "ZAI",
]


class ApiKeyAuth(Entry):
    """API keys, in a header of one's own choice.

    Args:
        key: One key, or several that take turns.
        header: The header. Default: the type's own.
    """

    __slots__ = ("key", "header")
    _type = "api_key"
    _secret = frozenset(("key",))

    def __init__(
        self,
        *,
        key: Secret | Sequence[Secret],
        header: str | None = None,
    ) -> None:
        self.key: Secret | Sequence[Secret] = key
        self.header: str | None = header


class TokenAuth(Entry):
    """A bearer token that somebody else renews.

    Args:
        token: The token.
    """

    __slots__ = ("token",)
    _type = "token"
    _secret = frozenset(("token",))

    def __init__(
        self,
        *,
        token: Secret,
    ) -> None:
        self.token: Secret = token


class OAuthAuth(Entry):
    """OAuth 2.0: client credentials, or a refresh token.

    Args:
        client_id: The client's id.
        token_url: The token endpoint, by HTTPS.
        client_secret: The client's secret; needed without a refresh token.
        refresh_token: A refresh token, to act for a user.
        scope: The scope to ask for.
    """

    __slots__ = ("client_id", "token_url", "client_secret", "refresh_token", "scope")
    _type = "oauth"
    _secret = frozenset(("client_secret", "refresh_token"))

    def __init__(
        self,
        *,
        client_id: str,
        token_url: str,
        client_secret: Secret | None = None,
        refresh_token: Secret | None = None,
        scope: str | None = None,
    ) -> None:
        self.client_id: str = client_id
        self.token_url: str = token_url
        self.client_secret: Secret | None = client_secret
        self.refresh_token: Secret | None = refresh_token
        self.scope: str | None = scope


class EntraIdAuth(Entry):
    """An application of Microsoft Entra ID.

    Args:
        client_id: The application's id.
        client_secret: The application's secret.
        tenant_id: The directory: its id, or its domain.
    """

    __slots__ = ("client_id", "client_secret", "tenant_id")
    _type = "entra_id"
    _secret = frozenset(("client_secret",))

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: Secret,
        tenant_id: str,
    ) -> None:
        self.client_id: str = client_id
        self.client_secret: Secret = client_secret
        self.tenant_id: str = tenant_id


class ServiceAccountAuth(Entry):
    """A Google service account, or a user's credentials as `gcloud` leaves them.

    Args:
        key: The key document: `{file: key.json}`.
    """

    __slots__ = ("key",)
    _type = "service_account"
    _secret = frozenset(("key",))

    def __init__(
        self,
        *,
        key: Secret,
    ) -> None:
        self.key: Secret = key


class MetadataAuth(Entry):
    """The service account of this machine, from Google's metadata server."""

    __slots__ = ()
    _type = "metadata"


class AwsAuth(Entry):
    """AWS access keys.

    Args:
        access_key_id: The id of the access key.
        secret_access_key: The access key.
        session_token: The token of a session, where the keys belong to one.
    """

    __slots__ = ("access_key_id", "secret_access_key", "session_token")
    _type = "aws"
    _secret = frozenset(("access_key_id", "secret_access_key", "session_token"))

    def __init__(
        self,
        *,
        access_key_id: Secret,
        secret_access_key: Secret,
        session_token: Secret | None = None,
    ) -> None:
        self.access_key_id: Secret = access_key_id
        self.secret_access_key: Secret = secret_access_key
        self.session_token: Secret | None = session_token


class CopilotAuth(Entry):
    """A GitHub token, exchanged for Copilot's.

    Args:
        github_token: The token of an account with Copilot.
    """

    __slots__ = ("github_token",)
    _type = "copilot"
    _secret = frozenset(("github_token",))

    def __init__(
        self,
        *,
        github_token: Secret,
    ) -> None:
        self.github_token: Secret = github_token


class NoneAuth(Entry):
    """None at all, for a server that wants none."""

    __slots__ = ()
    _type = "none"


Auth = Union[
    ApiKeyAuth,
    TokenAuth,
    OAuthAuth,
    EntraIdAuth,
    ServiceAccountAuth,
    MetadataAuth,
    AwsAuth,
    CopilotAuth,
    NoneAuth,
]


Modality = Literal["text", "image", "audio", "video", "file"]


class Tenants(Entry):
    """Whose data may be sent: the tenant of the call's scope is held to both lists.

    Args:
        allow: Only these; absent: all. A call without a tenant is none of them.
        deny: Never these.
    """

    __slots__ = ("allow", "deny")

    def __init__(
        self,
        *,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] | None = None,
    ) -> None:
        self.allow: Sequence[str] | None = allow
        self.deny: Sequence[str] | None = deny


class Policy(Entry):
    """What may be sent to a target. By default everything may, except data that must stay in a region.

    It is checked before anything is written for the wire. What it forbids is `Unsupported`: this target does
    not have what the request needs, another one may. The fields of `extra` are not looked into.

    A call whose scope has the tag `REGION` goes only to a target whose `region` is that one or lies in it:
    `eu-west-1` lies in `eu`. A target that does not say where it is takes no such call.

    Args:
        modalities: The kinds of content that may be sent; absent: all. Where some are missing, a part that
            only another program can read (`opaque`) is sent only if the model wrote it.
            `"text"`: Words: messages, instructions, tool calls and their results, texts to embed.
            `"image"`: Pictures.
            `"audio"`: Sound.
            `"video"`: Moving pictures.
            `"file"`: Documents.
        region: Where the target handles data, such as `eu-west-1`.
        tenants: Whose data may be sent.

    Example:
        Policy(modalities=["text", "image"], region="eu-west-1", tenants={"deny": ["acme"]})
    """

    __slots__ = ("modalities", "region", "tenants")

    def __init__(
        self,
        *,
        modalities: Sequence[Modality] | None = None,
        region: str | None = None,
        tenants: Tenants | Mapping[str, Any] = Tenants(),
    ) -> None:
        self.modalities: Sequence[Modality] | None = modalities
        self.region: str | None = region
        self.tenants: Tenants | Mapping[str, Any] = tenants


Unsupported = Literal["strict", "drop"]


class Settings(Provider):
    """The fields of a `provider` in a configuration. Every type takes the first eight; a type that does not take
    one of the others refuses it by name.

    Args:
        model: The model when a request names none.
        api_key: The key, or several that take turns. Default: the type's environment variable.
        base_url: Where the API is, such as `https://api.openai.com/v1`. Default: the type's own address.
            Credentials go to its origin only.
        api_version: The version of the API of `azure_openai`: a date, whose API has the deployment in the
            address. Default: the v1 API, which needs none.
        credentials: Credentials that are more than a key, instead of `api_key`.
        headers: Further headers of every request (`OpenAI-Organization`, `anthropic-beta`, ...). Values are
            kept secret.
        overlay: Parameters of this target, over those of a request; None takes one out.
        policy: What may be sent to this target. Default: everything.
        project: The project of `vertex`.
        region: The region of `bedrock`, `bedrock_mantle` and `vertex`.
        unsupported: What becomes of parameters that the target lacks. Default: `strict`, they are refused.
            `"strict"`: It is refused before anything is sent; the error names all that is lacking.
            `"drop"`: It goes on without it; each loss is a `Notice.ParameterDropped`.
        wire: The wire to speak, such as `openai.responses`, where the type has several. Default: the type's
            own.
    """

    __slots__ = (
        "model",
        "api_key",
        "base_url",
        "api_version",
        "credentials",
        "headers",
        "overlay",
        "policy",
        "project",
        "region",
        "unsupported",
        "wire",
    )
    _secret = frozenset(("api_key", "credentials", "headers"))

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: Secret | Sequence[Secret] | None = None,
        base_url: str | None = None,
        api_version: str | None = None,
        credentials: Auth | Mapping[str, Any] | None = None,
        headers: Mapping[str, Secret] | None = None,
        overlay: Mapping[str, Any] | None = None,
        policy: Policy | Mapping[str, Any] = Policy(),
        project: str | None = None,
        region: str | None = None,
        unsupported: Unsupported = "strict",
        wire: str | None = None,
    ) -> None:
        self.model: str | None = model
        self.api_key: Secret | Sequence[Secret] | None = api_key
        self.base_url: str | None = base_url
        self.api_version: str | None = api_version
        self.credentials: Auth | Mapping[str, Any] | None = credentials
        self.headers: Mapping[str, Secret] | None = headers
        self.overlay: Mapping[str, Any] | None = overlay
        self.policy: Policy | Mapping[str, Any] = policy
        self.project: str | None = project
        self.region: str | None = region
        self.unsupported: Unsupported = unsupported
        self.wire: str | None = wire


class Alibaba(Settings):
    """The provider `alibaba` at https://dashscope-intl.aliyuncs.com/compatible-mode/v1. The key's environment
    variable is `DASHSCOPE_API_KEY`.
    """

    __slots__ = ()
    _type = "alibaba"


class Anthropic(Settings):
    """Anthropic's API. The key's environment variable is `ANTHROPIC_API_KEY`."""

    __slots__ = ()
    _type = "anthropic"


class AzureOpenAI(Settings):
    """OpenAI's models at Azure; `base_url` is the resource's own address. The key's environment variable is
    `AZURE_OPENAI_API_KEY`.
    """

    __slots__ = ()
    _type = "azure_openai"


class Bedrock(Settings):
    """Models at Amazon Bedrock, in `region`. Credentials are those AWS's own tools find."""

    __slots__ = ()
    _type = "bedrock"


class BedrockMantle(Settings):
    """The provider `bedrock_mantle`. The key's environment variable is `AWS_BEARER_TOKEN_BEDROCK`."""

    __slots__ = ()
    _type = "bedrock_mantle"


class Cerebras(Settings):
    """The provider `cerebras` at https://api.cerebras.ai/v1. The key's environment variable is
    `CEREBRAS_API_KEY`.
    """

    __slots__ = ()
    _type = "cerebras"


class Cohere(Settings):
    """Cohere's API."""

    __slots__ = ()
    _type = "cohere"


class Copilot(Settings):
    """The provider `copilot` at https://api.githubcopilot.com. The key's environment variable is
    `GITHUB_COPILOT_API_KEY`.
    """

    __slots__ = ()
    _type = "copilot"


class Crusoe(Settings):
    """The provider `crusoe` at https://api.inference.crusoecloud.com/v1. The key's environment variable is
    `CRUSOE_API_KEY`.
    """

    __slots__ = ()
    _type = "crusoe"


class DeepInfra(Settings):
    """The provider `deepinfra` at https://api.deepinfra.com/v1/openai. The key's environment variable is
    `DEEPINFRA_API_KEY`.
    """

    __slots__ = ()
    _type = "deepinfra"


class DeepSeek(Settings):
    """The provider `deepseek` at https://api.deepseek.com. The key's environment variable is `DEEPSEEK_API_KEY`.
    """

    __slots__ = ()
    _type = "deepseek"


class Doubleword(Settings):
    """The provider `doubleword` at https://api.doubleword.ai/v1. The key's environment variable is
    `DOUBLEWORD_API_KEY`.
    """

    __slots__ = ()
    _type = "doubleword"


class Fireworks(Settings):
    """The provider `fireworks` at https://api.fireworks.ai/inference/v1. The key's environment variable is
    `FIREWORKS_API_KEY`.
    """

    __slots__ = ()
    _type = "fireworks"


class Gemini(Settings):
    """Google's Gemini API, by its wire that is compatible with OpenAI's."""

    __slots__ = ()
    _type = "gemini"


class GitHub(Settings):
    """The provider `github` at https://models.github.ai/inference. The key's environment variable is
    `GITHUB_TOKEN`.
    """

    __slots__ = ()
    _type = "github"


class Google(Settings):
    """Google's Gemini API."""

    __slots__ = ()
    _type = "google"


class GPUStack(Settings):
    """The provider `gpustack`. The key's environment variable is `GPUSTACK_API_KEY`."""

    __slots__ = ()
    _type = "gpustack"


class Groq(Settings):
    """The provider `groq` at https://api.groq.com/openai/v1. The key's environment variable is `GROQ_API_KEY`.
    """

    __slots__ = ()
    _type = "groq"


class HuggingFace(Settings):
    """The provider `huggingface` at https://router.huggingface.co/v1. The key's environment variable is
    `HF_TOKEN`.
    """

    __slots__ = ()
    _type = "huggingface"


class Hyperbolic(Settings):
    """The provider `hyperbolic` at https://api.hyperbolic.xyz/v1. The key's environment variable is
    `HYPERBOLIC_API_KEY`.
    """

    __slots__ = ()
    _type = "hyperbolic"


class LlamaCpp(Settings):
    """The provider `llama_cpp` at http://localhost:8080/v1."""

    __slots__ = ()
    _type = "llama_cpp"


class LMStudio(Settings):
    """The provider `lm_studio` at http://localhost:1234/v1."""

    __slots__ = ()
    _type = "lm_studio"


class Mistral(Settings):
    """The provider `mistral` at https://api.mistral.ai/v1. The key's environment variable is `MISTRAL_API_KEY`.
    """

    __slots__ = ()
    _type = "mistral"


class MistralRs(Settings):
    """The provider `mistralrs` at http://localhost:1234/v1."""

    __slots__ = ()
    _type = "mistralrs"


class Moonshot(Settings):
    """The provider `moonshot` at https://api.moonshot.ai/v1. The key's environment variable is
    `MOONSHOT_API_KEY`.
    """

    __slots__ = ()
    _type = "moonshot"


class NVIDIA(Settings):
    """The provider `nvidia` at https://integrate.api.nvidia.com/v1. The key's environment variable is
    `NVIDIA_API_KEY`.
    """

    __slots__ = ()
    _type = "nvidia"


class Ollama(Settings):
    """An Ollama server, on this machine where `base_url` does not say otherwise."""

    __slots__ = ()
    _type = "ollama"


class OpenAI(Settings):
    """The provider `openai` at https://api.openai.com/v1. The key's environment variable is `OPENAI_API_KEY`.
    """

    __slots__ = ()
    _type = "openai"


class OpenAICompatible(Settings):
    """Any server that speaks OpenAI's wire, at `base_url`."""

    __slots__ = ()
    _type = "openai_compatible"


class OpenRouter(Settings):
    """The provider `openrouter` at https://openrouter.ai/api/v1. The key's environment variable is
    `OPENROUTER_API_KEY`.
    """

    __slots__ = ()
    _type = "openrouter"


class Perplexity(Settings):
    """The provider `perplexity` at https://api.perplexity.ai. The key's environment variable is
    `PERPLEXITY_API_KEY`.
    """

    __slots__ = ()
    _type = "perplexity"


class SambaNova(Settings):
    """The provider `sambanova` at https://api.sambanova.ai/v1. The key's environment variable is
    `SAMBANOVA_API_KEY`.
    """

    __slots__ = ()
    _type = "sambanova"


class SGLang(Settings):
    """The provider `sglang` at http://localhost:30000/v1."""

    __slots__ = ()
    _type = "sglang"


class Snowflake(Settings):
    """The provider `snowflake`. The key's environment variable is `SNOWFLAKE_TOKEN`."""

    __slots__ = ()
    _type = "snowflake"


class Together(Settings):
    """The provider `together` at https://api.together.xyz/v1. The key's environment variable is
    `TOGETHER_API_KEY`.
    """

    __slots__ = ()
    _type = "together"


class Venice(Settings):
    """The provider `venice` at https://api.venice.ai/api/v1. The key's environment variable is `VENICE_API_KEY`.
    """

    __slots__ = ()
    _type = "venice"


class Vertex(Settings):
    """Google's models at Vertex AI, in `project` and `region`."""

    __slots__ = ()
    _type = "vertex"


class VLLM(Settings):
    """The provider `vllm` at http://localhost:8000/v1."""

    __slots__ = ()
    _type = "vllm"


class XAI(Settings):
    """The provider `xai` at https://api.x.ai/v1. The key's environment variable is `XAI_API_KEY`."""

    __slots__ = ()
    _type = "xai"


class ZAI(Settings):
    """The provider `zai` at https://api.z.ai/api/paas/v4. The key's environment variable is `ZAI_API_KEY`."""

    __slots__ = ()
    _type = "zai"
