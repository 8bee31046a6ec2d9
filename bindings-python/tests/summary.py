"""Prints how the tests went in the words of `cargo test`, so that one runner counts all. Use: `pytest -p summary`."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    def count(*outcomes: str) -> int:
        return sum(len(terminalreporter.stats.get(outcome, [])) for outcome in outcomes)

    verdict = "ok" if exitstatus == pytest.ExitCode.OK else "FAILED"
    passed, failed = count("passed", "xpassed"), count("failed", "error")
    terminalreporter.write_line(
        f"test result: {verdict}. {passed} passed; {failed} failed; {count('skipped', 'xfailed')} ignored"
    )
