"""Tools: the model calls, this program runs, the model answers.

    python examples/python/tools.py
"""

from __future__ import annotations

from typing import Any

from belvedere import Client
from belvedere.providers import OpenAI
from belvedere.testing import MockServer
from belvedere.types import Message, Tool, tool, user

WEATHER: Tool = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
STEPS = [
    {"times": 1, "answer": {"tool_calls": [{"name": "weather", "input": '{"city": "Bern"}', "id": "call-1"}]}},
    # After a tool's result the server says it again by itself.
]


def weather(city: str) -> str:
    return f"It is sunny in {city}."


def main() -> None:
    with MockServer(STEPS) as server:
        with Client(provider=OpenAI(model="any", base_url=server.url, api_key="any")) as client:
            messages: list[Message | dict[str, Any]] = [user("What is the weather in Bern?")]
            answer = client.complete(messages, tools=[WEATHER])
            while answer.tool_calls:
                messages.append(answer.message)
                for call in answer.tool_calls:
                    print(f"the model calls {call.name}({call.arguments})")
                    messages.append(tool(call.id, weather(**call.arguments)))
                answer = client.complete(messages, tools=[WEATHER])
            print("the model says:", answer.text)
            assert "sunny in Bern" in answer.text


if __name__ == "__main__":
    main()
