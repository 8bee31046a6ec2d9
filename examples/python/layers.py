"""Layers are typed: your editor knows their fields, and a configuration file says the same.

    python examples/python/layers.py
"""

from __future__ import annotations

import json
from datetime import timedelta

from belvedere import Client
from belvedere.errors import ConfigInvalid
from belvedere.layers import Breaker, Degrade, Repair, Retry, Route, RouteTarget, Timeout
from belvedere.providers import OpenAI
from belvedere.testing import MockServer

BUSY = {"error": {"status": 503}}


def main() -> None:
    with MockServer([BUSY]) as busy, MockServer([{"answer": {"text": "Here I am."}}]) as backup:
        layers = [
            Degrade(answer="We are back soon."),
            Route(
                targets=[
                    RouteTarget(
                        name="backup",
                        provider=OpenAI(model="small", base_url=backup.url, api_key="any"),
                        layers=[Timeout(first_event=timedelta(seconds=30))],
                    )
                ]
            ),
            Repair(),
            Retry(attempts=2, backoff="1ms"),
            Breaker(failures=5, open_for="10s"),
            Timeout(idle="30s"),
        ]
        print("as a configuration file has it:", json.dumps(layers[1].to_dict()["targets"][0]["layers"]))
        provider = OpenAI(model="large", base_url=busy.url, api_key="any")
        with Client(provider=provider, layers=layers) as client:
            answer = client.complete("Anybody there?")
            print("answer:", answer.text)
            for attempt in answer.attempts:
                print(f"  {attempt.target:8} {attempt.model:6} {attempt.status} {attempt.end}")
            assert answer.text == "Here I am."
            assert [attempt.status for attempt in answer.attempts] == [503, 503, 200]

    # What is wrong with a configuration is told all at once, with what is allowed.
    try:
        Client(provider=OpenAI(api_key="any"), layers=[{"type": "retry", "attempts": 0, "backof": "1s"}])
    except ConfigInvalid as error:
        print(error)


if __name__ == "__main__":
    main()
