"""What a benchmark prints, and what the hand-written mesh is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import static_mesh
from bench.model import Figure, percentile, shared, spread, table
from bench.rows import BENCHES, on_the_host

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


def test_a_busy_machine_is_named_with_its_load() -> None:
    assert shared(0.1) == "The machine did nothing else."
    assert "3.2" in shared(3.2)


def test_every_benchmark_has_a_name_of_its_own() -> None:
    names = [bench.name for bench in BENCHES]
    assert names == list(dict.fromkeys(names))


def test_the_sample_is_started_by_hand_as_in_its_container() -> None:
    image = images.builtin("helloworld", "hauberk.local/helloworld")
    assert image is not None
    argv = on_the_host(image)
    assert argv[:-1] == list(image.entrypoint[:-1]), "the interpreter and its flags"
    assert Path(argv[-1]).is_file()


def _static() -> list[dict[str, object]]:
    wildcard, mesh = (Path("w.crt"), Path("w.key")), (Path("m.crt"), Path("m.key"), Path("m.crt"))
    return [json.loads(c) for c in static_mesh.configs(21000, 21010, Path("/x"), wildcard, mesh)]


def test_each_hand_written_hop_leads_to_the_next_one_and_the_last_to_the_application() -> None:
    resources = [config["static_resources"] for config in _static()]
    listens = [r["listeners"][0]["address"] for r in resources]  # type: ignore[index]
    dials = [
        r["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]  # type: ignore[index]
        for r in resources
    ]
    assert len(listens) == 4
    assert dials[:-1] == listens[1:]
    assert dials[-1]["socket_address"]["port_value"] == 21010


def test_both_ends_of_the_hand_written_mtls_check_the_other_ones_identity() -> None:
    gateway, pod = (config["static_resources"] for config in _static()[2:])
    dialled = gateway["clusters"][0]["transport_socket"]["typed_config"]  # type: ignore[index]
    taken = pod["listeners"][0]["filter_chains"][0]["transport_socket"]["typed_config"]  # type: ignore[index]
    assert taken["require_client_certificate"] is True
    for end in (dialled, taken):
        validation = end["common_tls_context"]["validation_context"]
        assert validation["match_typed_subject_alt_names"][0]["matcher"]["exact"] == static_mesh.IDENTITY


def test_the_backend_answers_itself_so_it_is_never_the_bottleneck() -> None:
    config = json.loads(static_mesh.backend(8080, 1024, address="0.0.0.0"))
    listener = config["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 8080}
    assert "clusters" not in config["static_resources"]
    assert "x" * 1024 in json.dumps(listener)
