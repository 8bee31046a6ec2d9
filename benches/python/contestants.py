"""What is compared: each asks the same of the same server, in the way its own documentation shows.

A contestant is made with the address of the server. `whole` gives the text of an answer, `stream` the texts of the chunks
that carried one. Nothing is imported before it is chosen: not all of them fit into one environment.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

MODEL = "gpt-5-mini"
MESSAGES: list[Any] = [
    {"role": "system", "content": "You are a helpful assistant. Answer in a few short sentences."},
    {"role": "user", "content": "Why is the sky blue, and why is it red in the evening?"},
]
ALL_LAYERS = Path(__file__).parent.parent / "all-layers.yaml"


class Belvedere:
    """Bare: a provider and nothing around it."""

    layers = False

    async def begin(self, url: str) -> None:
        from belvedere import AsyncClient

        provider = {"type": "openai", "model": MODEL, "api_key": "bench", "base_url": url}
        if self.layers:
            import yaml

            config = yaml.safe_load(ALL_LAYERS.read_text())
            config["provider"] = provider
            self.client = AsyncClient(config)
        else:
            self.client = AsyncClient(provider=provider)

    async def whole(self) -> str:
        return (await self.client.complete(MESSAGES)).text

    async def stream(self) -> list[str]:
        texts = []
        async for event in self.client.stream(MESSAGES):
            if event.type == "text":
                texts.append(event.delta)
        return texts


class BelvedereLayers(Belvedere):
    """With every layer of benches/all-layers.yaml."""

    layers = True


class OpenAI:
    """The official SDK."""

    async def begin(self, url: str) -> None:
        from openai import AsyncOpenAI

        self.client = AsyncOpenAI(base_url=url, api_key="bench")

    async def whole(self) -> str:
        answer = await self.client.chat.completions.create(model=MODEL, messages=MESSAGES)
        return answer.choices[0].message.content or ""

    async def stream(self) -> list[str]:
        stream = await self.client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        deltas = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
        return [delta for delta in deltas if delta]


class OpenAIOverBelvedere(OpenAI):
    """The official SDK, unchanged, over our pipeline with all layers."""

    async def begin(self, url: str) -> None:
        from openai import AsyncOpenAI

        from belvedere.integrations.openai import belvedere_http_client

        pipeline = BelvedereLayers()
        await pipeline.begin(url)
        self.client = AsyncOpenAI(api_key="unused", http_client=belvedere_http_client(pipeline.client))


class LiteLLM:
    async def begin(self, url: str) -> None:
        import litellm

        self.litellm = litellm
        self.named: Any = {"model": f"openai/{MODEL}", "messages": MESSAGES, "api_base": url, "api_key": "bench"}

    async def whole(self) -> str:
        answer: Any = await self.litellm.acompletion(**self.named)
        return str(answer.choices[0].message.content)

    async def stream(self) -> list[str]:
        stream: Any = await self.litellm.acompletion(**self.named, stream=True)
        deltas = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
        return [delta for delta in deltas if delta]


class TensorZero:
    """The gateway inside the process, as its Python client embeds it. Without a database, so without observability."""

    async def begin(self, url: str) -> None:
        from tensorzero import AsyncTensorZeroGateway

        os.environ["OPENAI_API_KEY"] = "bench"
        config = f"""
[gateway]
observability.enabled = false
[models.bench]
routing = ["openai"]
[models.bench.providers.openai]
type = "openai"
model_name = "{MODEL}"
api_base = "{url}/"
"""
        with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
            file.write(config)
        made: Any = AsyncTensorZeroGateway.build_embedded(config_file=file.name)
        self.client = await made
        os.unlink(file.name)
        self.input: Any = {"system": MESSAGES[0]["content"], "messages": MESSAGES[1:]}

    async def whole(self) -> str:
        answer: Any = await self.client.inference(model_name="bench", input=self.input)
        return str(answer.content[0].text)

    async def stream(self) -> list[str]:
        stream: Any = await self.client.inference(model_name="bench", input=self.input, stream=True)
        return [block.text async for chunk in stream for block in chunk.content if block.text]


class LiterLLM:
    async def begin(self, url: str) -> None:
        import liter_llm

        self.client = liter_llm.create_client(api_key="bench", base_url=url, model_hint="openai")

    def request(self) -> Any:
        # The native classes: the typed ones above them cost more.
        from liter_llm._internal_bindings import ChatCompletionRequest, Message

        system, user = MESSAGES
        messages = [Message.from_system({"content": system["content"]}), Message.from_user({"content": user["content"]})]
        return ChatCompletionRequest(model=MODEL, messages=messages)

    async def whole(self) -> str:
        answer: Any = await self.client.chat(self.request())
        return str(answer.choices[0].message.content)

    async def stream(self) -> list[str]:
        texts = []
        async for chunk in self.client.chat_stream(self.request()):
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]
        return texts


class AioHttp:
    """No client at all: HTTP and JSON by hand."""

    async def begin(self, url: str) -> None:
        import aiohttp

        self.session = aiohttp.ClientSession(headers={"authorization": "Bearer bench"})
        self.url = f"{url}/chat/completions"

    async def whole(self) -> str:
        async with self.session.post(self.url, json={"model": MODEL, "messages": MESSAGES}) as response:
            response.raise_for_status()
            answer = await response.json()
        return str(answer["choices"][0]["message"]["content"])

    async def stream(self) -> list[str]:
        texts = []
        body = {"model": MODEL, "messages": MESSAGES, "stream": True}
        async with self.session.post(self.url, json=body) as response:
            response.raise_for_status()
            async for line in response.content:
                if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                    continue
                choices = json.loads(line[6:])["choices"]
                if choices and (delta := choices[0]["delta"].get("content")):
                    texts.append(delta)
        return texts


# By name: what it is, the package whose version counts, and the environment it runs in.
CONTESTANTS: dict[str, tuple[type[Any], str, str]] = {
    "belvedere, all layers": (BelvedereLayers, "belvedere", "main"),
    "belvedere, bare": (Belvedere, "belvedere", "main"),
    "aiohttp": (AioHttp, "aiohttp", "main"),
    "liter-llm": (LiterLLM, "liter-llm", "main"),
    "tensorzero": (TensorZero, "tensorzero", "main"),
    "openai": (OpenAI, "openai", "main"),
    "openai over belvedere": (OpenAIOverBelvedere, "openai", "main"),
    "litellm": (LiteLLM, "litellm", "litellm"),
}
