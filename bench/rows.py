"""The table of benchmarks."""

from __future__ import annotations

from bench.cold import cold_start, cold_starts
from bench.many import many
from bench.model import Bench
from bench.propagation import propagation
from bench.start import document, up
from bench.traffic import added, rise, rollout
from bench.warm import warm

BENCHES: tuple[Bench, ...] = (
    Bench(name="up", run=up),
    Bench(name="document", run=document),
    Bench(name="cold-start", run=cold_start),
    Bench(name="cold-starts", run=cold_starts),
    Bench(name="warm", run=warm),
    Bench(name="propagation", run=propagation),
    Bench(name="added", run=added),
    Bench(name="rise", run=rise),
    Bench(name="rollout", run=rollout),
    Bench(name="many", run=many),
)
