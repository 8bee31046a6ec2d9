"""A budget for each tenant: calls at once can't spend the same money, and the one that is spent refuses.

    python examples/python/budget.py
"""

from __future__ import annotations

from belvedere import BudgetExceeded, Client
from belvedere.layers import Budget, BudgetAllowance, ModelPrice
from belvedere.providers import OpenAI
from belvedere.testing import MockServer


def main() -> None:
    budget = Budget(
        limit=BudgetAllowance(usd="0.01", every="1d"),
        per=["tenant"],
        prices={"my-model": ModelPrice(input="5", output="500")},
    )
    with MockServer([{"answer": {"text": "Ten words, or so, at half a cent for every call."}}]) as server:
        provider = OpenAI(model="my-model", base_url=server.url, api_key="any")
        with Client(provider=provider, layers=[budget]) as client:
            calls = 0
            try:
                while True:
                    client.complete("What does it cost?", max_tokens=12, scope={"tenant": "acme"})
                    calls += 1
            except BudgetExceeded as error:
                print(f"acme: refused after {calls} calls: {error.message}")
            assert calls == 1

            # Another tenant has its own.
            answer = client.complete("And for me?", max_tokens=12, scope={"tenant": "globex"})
            print("globex:", answer.text)
            for balance in client.budgets(scope={"tenant": "acme"}):
                print(f"{balance.name}: {balance.settled / 1e9:.4f} of {balance.limit / 1e9:.2f} dollars are spent")


if __name__ == "__main__":
    main()
