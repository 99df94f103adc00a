"""Workload certificates: a SPIFFE ID, a day's life, by SDS, from the one CA of the mesh."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from stage import A, B, Room

pytestmark = pytest.mark.system


def admin(room: Room, pod: str, path: str) -> Any:
    namespace, name = pod.split("/")
    uid = room.cluster.json("pod", name, "-n", namespace)["metadata"]["uid"]
    socket = str(room.cluster.options.paths.pod(uid) / "admin.sock")
    return json.loads(room.cluster.shell.must(["curl", "-sS", "--unix-socket", socket, f"http://x{path}"]))


@pytest.mark.parametrize(("pod", "account"), [(f"{A}/client", "friend"), (f"{B}/client", "default")])
def test_the_proxy_shows_its_own_spiffe_id_for_a_day(room: Room, pod: str, account: str) -> None:
    rows = admin(room, pod, "/certs")["certificates"]
    chains = {json.dumps(chain, sort_keys=True): chain for row in rows for chain in row["cert_chain"]}
    (chain,) = chains.values()
    assert chain["subject_alt_names"] == [
        {"uri": f"spiffe://cluster.local/ns/{pod.split('/')[0]}/sa/{account}"}
    ]
    since, until = (datetime.fromisoformat(chain[key]) for key in ("valid_from", "expiration_time"))
    assert 24 * 3600 <= (until - since).total_seconds() <= 24 * 3600 + 180


def test_certificates_come_by_sds_and_never_by_the_configuration(room: Room) -> None:
    dump = admin(room, f"{A}/client", "/config_dump")
    text = json.dumps(dump)
    secrets = [part for part in dump["configs"] if part["@type"].endswith("SecretsConfigDump")]
    names = {row["name"] for part in secrets for row in part.get("dynamic_active_secrets", ())}
    assert names >= {"default", "ROOTCA"}
    assert "PRIVATE KEY" not in text


def test_two_proxies_have_two_keys(room: Room) -> None:
    serials = {
        row["cert_chain"][0]["serial_number"]
        for pod in (f"{A}/web-1", f"{A}/web-2")
        for row in admin(room, pod, "/certs")["certificates"]
        if row["cert_chain"]
    }
    assert len(serials) == 2
