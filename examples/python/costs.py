"""Tokens and money: counted before the call, told after it.

    python examples/python/costs.py
"""

from __future__ import annotations

from belvedere import Client
from belvedere.providers import OpenAI
from belvedere.testing import MockServer

QUESTION = "How many tokens has this question?"


def main() -> None:
    with MockServer([{"answer": {"text": "Fewer than you think."}}]) as server:
        with Client(provider=OpenAI(model="gpt-4o-mini", base_url=server.url, api_key="any")) as client:
            print("counted: ", client.count_tokens(QUESTION), "tokens")
            estimate = client.estimate_cost(QUESTION, max_tokens=100)
            print(f"estimate: {estimate.low} to {estimate.high} dollars")

            answer = client.complete(QUESTION, max_tokens=100)
            assert answer.usage is not None and answer.cost is not None
            print(f"told:     {answer.usage.input_tokens} in, {answer.usage.output_tokens} out, {answer.cost} dollars")
            assert estimate.high is not None and answer.cost <= estimate.high


if __name__ == "__main__":
    main()
