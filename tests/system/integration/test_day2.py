"""Tenants and the support bundle on an installed integration, from the file to a 403."""

from __future__ import annotations

import json
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.testing.cluster import HAUBERK, Cluster, hauberk, started

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An integration with two projects, installed by the product itself."""
    name = f"d-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("day2")
    try:
        cluster = started(name, folder, "--ephemeral")
        for project in ("team-a", "team-b"):
            cluster.must("create", "namespace", project)
        members = ("--member", "team-a", "--member", "team-b")
        cluster.shell.must([*HAUBERK, "init", "--defaults", *members, "--to", "hauberk.yaml"])
        cluster.shell.must([*HAUBERK, "certs", "create"])
        cluster.shell.must([*HAUBERK, "install"], timeout_s=120)
        yield cluster
    finally:
        hauberk("down", "--name", name)


def policies(cluster: Cluster) -> set[str]:
    return {o["metadata"]["name"] for o in cluster.json("authorizationpolicies", "-A")["items"]}


def test_tenants_are_kept_apart_and_the_file_says_so(installed: Cluster) -> None:
    for tenant, project in (("alpha", "team-a"), ("bravo", "team-b")):
        installed.shell.must([*HAUBERK, "tenant", "add", tenant, project, "--yes"], timeout_s=120)
    assert {"deny-all-by-default", "allow-alpha-to-activator", "allow-bravo-to-activator"} <= policies(
        installed
    )
    rows = json.loads(installed.shell.must([*HAUBERK, "tenant", "list", "-o", "json"]))
    assert rows == [
        {"name": "alpha", "namespaces": ["team-a"]},
        {"name": "bravo", "namespaces": ["team-b"]},
    ]
    only = ("--only", "tenant", "--only", "inside", "--only", "external")
    found = json.loads(installed.shell.must([*HAUBERK, "verify", *only, "-o", "json"], timeout_s=120))
    assert {row["id"]: row["seen"] for row in found["rows"]} == {
        "tenant": "403",
        "inside": "200",
        "external": "200",
    }
    installed.shell.must([*HAUBERK, "tenant", "remove", "bravo", "--yes"], timeout_s=120)
    assert "allow-bravo-to-activator" not in policies(installed)


def test_the_bundle_has_what_helps_and_no_key(installed: Cluster) -> None:
    installed.shell.must([*HAUBERK, "support", "bundle", "--to", "case.tar.gz"])
    path = Path(installed.folder) / "case.tar.gz"
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        texts = {m.name: (archive.extractfile(m) or path.open("rb")).read().decode() for m in archive}
    key = (Path(installed.folder) / "certs" / "wildcard.key").read_text().splitlines()[1]
    assert not any(key in text or "PRIVATE KEY" in text for text in texts.values())
    assert "wildcard-certs" in texts["hauberk-support/objects/istio-system/Secret.yaml"]
    assert json.loads(texts["hauberk-support/proxies.json"])["total"] > 0
