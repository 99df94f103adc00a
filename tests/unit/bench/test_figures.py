"""What a benchmark prints, and what the hand-written mesh is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench import record, static_mesh
from bench.cold import on_the_host
from bench.model import Figure, percentile, shared, spread, table
from bench.rows import BENCHES

from hauberk.node.images import table as images


@pytest.mark.parametrize(
    ("values", "q", "wanted"),
    [
        ([1.0], 0.99, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(101)], 0.99, 99.0),
        ([5.0, 1.0], 0.0, 1.0),
        ([5.0, 1.0], 1.0, 5.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], q: float, wanted: float) -> None:
    assert percentile(values, q) == wanted


def test_a_spread_tells_median_range_and_count() -> None:
    assert spread([1.0, 1.5, 0.5], "ms", 1000) == "1,000 ms (500 to 1,500, n=3)"


def test_a_missed_figure_is_shown_as_missed() -> None:
    rows = table(
        [
            Figure(what="a", measured="1", must="≤ 2", reached=True, method="m"),
            Figure(what="b", measured="3", must="≤ 2", reached=False, method="m", peer="kind 33 s"),
        ]
    ).splitlines()
    assert rows[2:] == ["| a | 1 | ≤ 2 | reached |  |", "| b | 3 | ≤ 2 | **missed** | kind 33 s |"]


def test_a_busy_machine_is_named_with_how_busy_it_is() -> None:
    assert shared(0.01) == "The machine did nothing else."
    assert "32%" in shared(0.32)


def test_every_benchmark_has_a_name_of_its_own() -> None:
    names = [bench.name for bench in BENCHES]
    assert names == list(dict.fromkeys(names))


def test_the_sample_is_started_by_hand_as_in_its_container() -> None:
    image = images.builtin("helloworld", "hauberk.local/helloworld")
    assert image is not None
    argv = on_the_host(image)
    assert argv[:-1] == list(image.entrypoint[:-1]), "the interpreter and its flags"
    assert Path(argv[-1]).is_file()


PLACES = static_mesh.Places(
    edge=21000,
    router=Path("/x/router.sock"),
    gateway=("10.128.0.2", 8443),
    pod=("10.128.0.3", 8012),
    app=8080,
)


def _static() -> dict[str, dict[str, Any]]:
    wildcard, mesh = (Path("w.crt"), Path("w.key")), (Path("m.crt"), Path("m.key"), Path("m.crt"))
    made = static_mesh.configs(PLACES, wildcard, mesh, 1024)
    return {hop: json.loads(config)["static_resources"] for hop, config in made.items()}


def test_each_hand_written_hop_leads_to_the_next_one_and_the_last_to_the_application() -> None:
    hops = _static()
    assert list(hops) == ["edge", "router", "gateway", "pod", "app"]
    listens = [parts["listeners"][0]["address"] for parts in hops.values()]
    dials = [
        parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
        for parts in hops.values()
        if "clusters" in parts
    ]
    assert dials == listens[1:]


def test_both_ends_of_the_hand_written_mtls_check_the_other_ones_identity() -> None:
    hops = _static()
    dialled = hops["gateway"]["clusters"][0]["transport_socket"]["typed_config"]
    taken = hops["pod"]["listeners"][0]["filter_chains"][0]["transport_socket"]["typed_config"]
    assert taken["require_client_certificate"] is True
    for end in (dialled, taken):
        validation = end["common_tls_context"]["validation_context"]
        assert validation["match_typed_subject_alt_names"][0]["matcher"]["exact"] == static_mesh.IDENTITY


def test_the_backend_answers_itself_so_it_is_never_the_bottleneck() -> None:
    config = json.loads(static_mesh.backend(("0.0.0.0", 8080), 1024))
    listener = config["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 8080}
    assert "clusters" not in config["static_resources"]
    assert "x" * 1024 in json.dumps(listener)


def _figure(value: float, **more: Any) -> Figure:
    return Figure(what="a", measured=f"{value}", must="", reached=True, method="m", value=value, **more)


@pytest.mark.parametrize(
    ("old", "new", "more", "worse"),
    [
        (100, 119, {}, False),
        (100, 121, {}, True),
        (100, 50, {}, False),
        (1.0, 0.81, {"less_is_better": False}, False),
        (1.0, 0.79, {"less_is_better": False}, True),
    ],
)
def test_a_figure_worse_by_more_than_a_fifth_is_called_a_regression(
    old: float, new: float, more: dict[str, bool], worse: bool
) -> None:
    lines = list(record.regressions([_figure(old, **more)], [_figure(new, **more)]))
    assert [line.startswith("regression: a: ") for line in lines] == [True] * worse


def test_measuring_one_again_leaves_what_was_measured_before(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    first = {
        name: record.Entry(day="2026-01-01", machine="m", others=0.01, figures=(_figure(1),)) for name in "ab"
    }
    record.write(file, first)
    kept = record.read(file)
    assert kept == first
    kept["b"] = record.Entry(day="2026-01-02", machine="m", others=0.4, figures=(_figure(2),))
    page = record.page(kept, ["a", "b", "c"])
    assert "`a`: 2026-01-01, m. The machine did nothing else." in page
    assert "`b`: 2026-01-02, m. The machine was shared" in page
    assert "Not measured yet: `c`." in page
