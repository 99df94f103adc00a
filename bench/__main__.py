"""`make bench`: run the tables, print them, write docs/reference/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from bench import doctor, integration, rows
from bench.model import Figure, machine, shared, table

BENCHES = (*rows.BENCHES, *integration.BENCHES, *doctor.BENCHES)
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"


def main() -> int:
    """Run; exit status 1 when a figure was missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=[b.name for b in BENCHES])
    only = parser.parse_args().only
    load = os.getloadavg()[1]  # before we add to it
    figures: list[Figure] = []
    for bench in BENCHES:
        if only in (None, bench.name):
            print(f"{bench.name} …", file=sys.stderr, flush=True)
            figures += bench.run()
    print(table(figures))
    if only is None:
        methods = "\n".join(f"* {f.what}: {f.method}" for f in figures)
        day = datetime.date.today().isoformat()
        PAGE.write_text(
            f"# Benchmarks\n\nWritten by `make bench` on {day}. Machine: {machine()}. "
            f"{shared(load)}\n\n{table(figures)}\n\n"
            f"## Method\n\n{methods}\n"
        )
    return 0 if all(f.reached for f in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
