"""Prints the size of the wheel and the time that `import belvedere` takes, and fails past their bounds.

    python tests/measure.py WHEEL
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

MEGABYTE = 1_000_000
# The aims are 8 MB and 30 ms. The bounds have slack: linkers differ, and machines that run tests do other things, too.
AIM_BYTES = 8 * MEGABYTE
MOST_BYTES = 9 * MEGABYTE
MOST_SECONDS = 0.090
RUNS = 15


def took(code: str) -> float:
    """How long an interpreter takes for this at best: what else the machine does only adds to it."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    wheel = Path(sys.argv[1])
    size = wheel.stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        unpacked = sum(file.file_size for file in archive.infolist())
    took("import belvedere")  # The files are read from the disk, and compiled.
    imported = took("import belvedere") - took("pass")
    bounds = f"aim {AIM_BYTES / MEGABYTE:.0f}, at most {MOST_BYTES / MEGABYTE:.0f}"
    print(f"    wheel: {size / MEGABYTE:.2f} MB ({bounds}), {unpacked / MEGABYTE:.2f} unpacked")
    print(f"    import belvedere: {imported * 1e3:.1f} ms (aim 30, at most {MOST_SECONDS * 1e3:.0f})")
    return 0 if size <= MOST_BYTES and imported <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
