"""Counters and histograms in the Prometheus text format, under upstream's names.

Source: knative/eventing pkg/broker/{ingress,filter}/stats_reporter.go, pkg/channel/stats_reporter.go (1.17).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

Labels = tuple[tuple[str, str], ...]
BUCKETS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0)


class Metrics:
    """All figures of one process. `prefix` is upstream's component name."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = f"{prefix}_" if prefix else ""
        self._texts: dict[str, str] = {}
        self._counts: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, list[float]]] = {}

    def count(self, name: str, labels: Labels = (), by: float = 1, *, text: str = "") -> None:
        """Add to a counter."""
        table = self._counts.setdefault(name, {})
        table[labels] = table.get(labels, 0) + by
        if text:
            self._texts.setdefault(name, text)

    def gauge(self, name: str, value: float, labels: Labels = (), *, text: str = "") -> None:
        """Set a gauge."""
        self._gauges.setdefault(name, {})[labels] = value
        if text:
            self._texts.setdefault(name, text)

    def observe(self, name: str, value: float, labels: Labels = (), *, text: str = "") -> None:
        """Add a value to a histogram: buckets, then sum and count."""
        table = self._histograms.setdefault(name, {})
        row = table.get(labels)
        if row is None:
            row = table[labels] = [0.0] * (len(BUCKETS_MS) + 2)
        place = bisect_left(BUCKETS_MS, value)
        if place < len(BUCKETS_MS):
            row[place] += 1
        row[-2] += value
        row[-1] += 1
        if text:
            self._texts.setdefault(name, text)

    def total(self, name: str) -> float:
        """The sum of a counter over all labels."""
        return sum(self._counts.get(name, {}).values())

    def text(self) -> str:
        """The exposition."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        for kind, tables in (("counter", self._counts), ("gauge", self._gauges)):
            for name, table in sorted(tables.items()):
                full = f"{self.prefix}{name}"
                yield from self._heading(name, full, kind)
                for labels, value in table.items():
                    yield f"{full}{_shown(labels)} {value:g}"
        for name, rows in sorted(self._histograms.items()):
            full = f"{self.prefix}{name}"
            yield from self._heading(name, full, "histogram")
            for labels, row in rows.items():
                yield from _histogram(full, labels, row)

    def _heading(self, name: str, full: str, kind: str) -> Iterator[str]:
        if name in self._texts:
            yield f"# HELP {full} {self._texts[name]}"
        yield f"# TYPE {full} {kind}"


def _histogram(name: str, labels: Labels, row: list[float]) -> Iterator[str]:
    below = 0.0
    for edge, count in zip(BUCKETS_MS, row[:-2], strict=True):
        below += count
        yield f"{name}_bucket{_shown((*labels, ('le', f'{edge:g}')))} {below:g}"
    yield f"{name}_bucket{_shown((*labels, ('le', '+Inf')))} {row[-1]:g}"
    yield f"{name}_sum{_shown(labels)} {row[-2]:g}"
    yield f"{name}_count{_shown(labels)} {row[-1]:g}"


def _shown(labels: Iterable[tuple[str, str]]) -> str:
    text = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels)
    return f"{{{text}}}" if text else ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def code_labels(status: int) -> Labels:
    """`response_code` and its class, as upstream counts them."""
    return (("response_code", str(status)), ("response_code_class", f"{status // 100}xx"))
