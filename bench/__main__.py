"""`make bench`: run the tables, print them, write docs/reference/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from bench import api, doctor, eventing, integration, kafka, record, rows
from bench.model import Figure, busy, machine, table

BENCHES = (
    *rows.BENCHES,
    *integration.BENCHES,
    *doctor.BENCHES,
    *api.BENCHES,
    *eventing.BENCHES,
    *kafka.BENCHES,
)
REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
RECORD, PAGE = REFERENCE / "benchmarks.json", REFERENCE / "benchmarks.md"


def main() -> int:
    """Run; exit status 1 when a figure was missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=[b.name for b in BENCHES])
    only = parser.parse_args().only
    known = record.read(RECORD)
    figures: list[Figure] = []
    for bench in BENCHES:
        if only not in (None, bench.name):
            continue
        print(f"{bench.name} …", file=sys.stderr, flush=True)
        others = busy()
        found = tuple(bench.run())
        for line in record.regressions(known[bench.name].figures if bench.name in known else (), found):
            print(line, file=sys.stderr)
        day = datetime.date.today().isoformat()
        known[bench.name] = record.Entry(day=day, machine=machine(), others=others, figures=found)
        record.write(RECORD, known)
        figures += found
    print(table(figures))
    PAGE.write_text(record.page(known, [bench.name for bench in BENCHES]))
    return 0 if all(f.reached for f in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
