"""The mock server the tests talk to, and what it is told to do."""

import json
import os
import urllib.request

MOCK = os.environ["MOCK_URL"]


def script(step):
    """Makes the server behave as `step` says; None: as it does by itself."""
    body = json.dumps({"steps": [step] if step else []}).encode()
    request = urllib.request.Request(f"{MOCK}/script", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status < 300, answer.status
