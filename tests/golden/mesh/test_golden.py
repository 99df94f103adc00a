"""Input objects and the Envoy configuration that comes of them. UPDATE_GOLDEN=1 rewrites the outputs.

Each case is `NAME.in.yaml` (objects, as stored) and `NAME.out.yaml` (findings and resources by proxy).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.mesh import Mesh, build
from hauberk.xds.binary import envoy
from hauberk.xds.translate import resources
from hauberk.xds.translate.types import CLUSTER, ENDPOINT, LISTENER, ORDER, ROUTE, Resources

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("mesh_world", HERE / "world.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

CASES = sorted(path.name.removesuffix(".in.yaml") for path in HERE.glob("*.in.yaml"))
STATIC = {"xds-grpc", "admin"}
OF_ROLES = re.compile(
    r"(queue|role|activator)(\||$)"
)  # made by xds.translate.roles, which has tests of its own


def mesh_of(case: str) -> Mesh:
    return build(world.Stored(*world.read((HERE / f"{case}.in.yaml").read_text())))


def shown(made: Resources) -> dict[str, Any]:
    return {
        url.rpartition(".")[2]: {
            name: json_format.MessageToDict(message, preserving_proto_field_name=True)
            for name, message in sorted(made.messages(url).items())
        }
        for url in ORDER
        if made.by_type.get(url)
    }


def without_roles(parts: dict[str, Any]) -> dict[str, Any]:
    """The mesh's own resources. A role's filters behind mTLS are cut to their names."""
    kept = {kind: {n: m for n, m in rows.items() if not OF_ROLES.match(n)} for kind, rows in parts.items()}
    for chain in kept.get("Listener", {}).get("virtualInbound", {}).get("filter_chains", ()):
        for part in chain["filters"]:
            if OF_ROLES.match(part["typed_config"].get("stat_prefix", "")):
                names = [f["name"] for f in part["typed_config"]["http_filters"]]
                part["typed_config"] = {"http_filters": names}
    return kept


@pytest.mark.parametrize("case", CASES)
def test_objects_become_this_configuration(case: str) -> None:
    mesh = mesh_of(case)
    got = {
        "findings": [f"{f.ref}: {f.reason}: {f.message}" for f in mesh.findings],
        "proxies": {p.name: without_roles(shown(resources(mesh, p))) for p in mesh.proxies.values()},
    }
    text = yaml.safe_dump(json.loads(json.dumps(got)), sort_keys=True, width=110)
    golden = HERE / f"{case}.out.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def clusters_named(value: Any) -> set[str]:
    """Every cluster that a listener or route refers to."""
    if isinstance(value, dict):
        own = {v for k, v in value.items() if k == "cluster" and isinstance(v, str)}
        rows = (value.get("weighted_clusters") or {}).get("clusters") or ()
        return own.union({r["name"] for r in rows}, *(clusters_named(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(clusters_named(v) for v in value)) if value else set()
    return set()


def dangling(mesh: Mesh) -> list[tuple[str, set[str]]]:
    """Proxy → what its configuration refers to and does not have."""
    found = []
    for proxy in mesh.proxies.values():
        made = resources(mesh, proxy)
        parts = shown(made)
        named = clusters_named([parts.get("Listener"), parts.get("RouteConfiguration")])
        tables = set(re.findall(r'"route_config_name": "([^"]+)"', json.dumps(parts.get("Listener"))))
        eds = {n for n, c in made.messages(CLUSTER).items() if c.type == c.EDS}
        missing = (
            (named - set(made.by_type[CLUSTER]) - STATIC)
            | (tables - set(made.by_type[ROUTE]))
            | (eds - set(made.by_type[ENDPOINT]))
        )
        if missing:
            found.append((proxy.name, missing))
    return found


@pytest.mark.parametrize("case", CASES)
def test_nothing_refers_to_what_is_not_there(case: str) -> None:
    assert dangling(mesh_of(case)) == []


@settings(max_examples=30, deadline=None)
@given(case=st.sampled_from(CASES), gone=st.sets(st.integers(0, 40), max_size=12))
def test_whatever_is_missing_nothing_dangles(case: str, gone: set[int]) -> None:
    stored = world.read((HERE / f"{case}.in.yaml").read_text())
    left = [obj for i, obj in enumerate(stored) if i not in gone]
    assert dangling(build(world.Stored(*left))) == []


def test_a_service_that_goes_to_zero_keeps_its_clusters() -> None:
    stored = world.read((HERE / "rules.in.yaml").read_text())
    before = build(world.Stored(*stored))
    left = [obj for obj in stored if obj["kind"] != "EndpointSlice"]
    assert len(left) < len(stored)
    after = build(world.Stored(*left))
    for uid, proxy in before.proxies.items():
        was, now = resources(before, proxy), resources(after, after.proxies[uid])
        assert was.by_type[CLUSTER].keys() == now.by_type[CLUSTER].keys()
        changed = {
            name
            for name, cluster in was.messages(CLUSTER).items()
            if cluster.type == cluster.EDS and cluster != now.messages(CLUSTER)[name]
        }
        assert changed == set()
        assert was.by_type[ENDPOINT] != now.by_type[ENDPOINT]


def as_static(made: Resources) -> dict[str, Any]:
    """A bootstrap with everything in it. Secrets come by calls of their own: ADS starts too late."""
    parts = shown(made)
    text = json.dumps(
        {
            "clusters": list(parts.get("Cluster", {}).values()),
            "listeners": list(parts.get("Listener", {}).values()),
        }
    )
    call = '"api_config_source": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": '
    call += '[{"envoy_grpc": {"cluster_name": "xds-grpc"}}]}'
    known = json.loads(text.replace('"ads": {}', call))
    known["clusters"] += [{"name": n, "type": "STATIC", "connect_timeout": "1s"} for n in sorted(STATIC)]
    return {"node": {"id": "x", "cluster": "x"}, "static_resources": known}


@pytest.mark.wire
@pytest.mark.parametrize("case", CASES)
def test_envoy_accepts_it(case: str, tmp_path: Path) -> None:
    mesh = mesh_of(case)
    for proxy in mesh.proxies.values():
        made = resources(mesh, proxy)
        config = tmp_path / f"{proxy.name}.json"
        config.write_text(json.dumps(as_static(made)))
        ran = subprocess.run(
            [str(envoy()), "--mode", "validate", "-l", "error", "-c", str(config)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, (proxy.name, ran.stderr[-2000:])
        assert made.by_type[LISTENER]
