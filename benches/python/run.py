"""Compares what a call costs, in CPU time of the process that makes it, with other clients for Python.

    python benches/python/run.py

It makes its environments below target/bench-python (minutes, the first time), builds and installs the package from the
work tree, starts a server in a process of its own and one process per contestant, lets them take turns, and prints the
medians as a table. `--only` and `--rounds` make it shorter. Python 3.10 or newer, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KINDS = {"whole": "µs a call", "burst": "µs a chunk, in a burst", "paced": "µs a chunk, each 10 ms"}
OURS = "belvedere, all layers"

sys.path.insert(0, str(HERE))
from contestants import CONTESTANTS  # noqa: E402
from script import CHUNKS  # noqa: E402
from worker import AT_ONCE  # noqa: E402


def environments(directory: Path, wheel: str | None) -> dict[str, Path]:
    """The interpreters, by the name of their environment."""
    pythons = {}
    for name, requirements in (("main", "requirements.txt"), ("litellm", "requirements-litellm.txt")):
        home = directory / name
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not python.exists():
            venv.create(home, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", str(HERE / requirements)], check=True)
        if name == "main" and wheel != "none":
            subprocess.run([*pip, "--force-reinstall", "--no-deps", wheel or str(ROOT / "bindings-python")], check=True)
        pythons[name] = python
    return pythons


class Process:
    """A process that answers lines with lines."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args!r} has ended: {self._process.wait()}")
        return line.strip()

    def ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self.line())
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def count(what: str, micros: float, seconds: float) -> int:
    """How many calls take about so long; as many as are at once, at least."""
    least = AT_ONCE[what]
    if what == "paced":
        return least
    wanted = seconds * 1e6 / max(micros * CHUNKS[what], 1.0)
    return max(least, min(least * round(wanted / least), 8192))


def measure(workers: dict[str, Process], kinds: list[str], rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {name: {what: [] for what in kinds} for name in workers}
    counts: dict[tuple[str, str], int] = {}
    for name, worker in workers.items():
        for what in kinds:
            worker.ask(f"{what} {AT_ONCE[what]}")
            counts[name, what] = count(what, worker.ask(f"{what} {AT_ONCE[what]}")["micros"], seconds)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for what in kinds:
            for name, worker in workers.items():
                found[name][what].append(worker.ask(f"{what} {counts[name, what]}")["micros"])
    return found


def table(found: dict[str, dict[str, list[float]]], versions: dict[str, str], kinds: list[str]) -> str:
    medians = {name: {what: statistics.median(row[what]) for what in kinds} for name, row in found.items()}
    lines = ["| client | version |" + "".join(f" {KINDS[what]} | to ours |" for what in kinds)]
    lines.append("|---|---|" + "---:|---:|" * len(kinds))
    for name, row in medians.items():
        cells = []
        for what in kinds:
            # Each round is compared in itself: the machine may be slower in the next.
            ours = found.get(OURS, {}).get(what, [])
            ratios = [theirs / our for theirs, our in zip(found[name][what], ours)]
            ratio = f"{statistics.median(ratios):.1f}x" if ratios and name != OURS else ""
            cells.append(f" {row[what]:.1f} | {ratio} |")
        lines.append(f"| {name} | {versions[name]} |" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU time of a turn")
    parser.add_argument("--only", action="append", choices=list(CONTESTANTS), help="may be given several times")
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--wheel", help="a built wheel instead of the sources; `none`: what PYTHONPATH leads to")
    parser.add_argument("--directory", type=Path, default=ROOT / "target" / "bench-python")
    options = parser.parse_args()
    kinds = options.kind or list(KINDS)
    pythons = environments(options.directory, options.wheel)
    server = Process(str(pythons["main"]), "script.py")
    url = server.line()
    workers, versions = {}, {}
    for name in options.only or list(CONTESTANTS):
        worker = Process(str(pythons[CONTESTANTS[name][2]]), "worker.py", name, url)
        versions[name] = json.loads(worker.line())["version"]
        workers[name] = worker
    found = measure(workers, kinds, options.rounds, options.seconds)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
          f"{options.rounds} rounds\n")
    print(table(found, versions, kinds))
    for process in (*workers.values(), server):
        process.close()


if __name__ == "__main__":
    main()
