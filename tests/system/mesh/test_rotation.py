"""Certificates that live for seconds are renewed in time, and no request is lost over the renewals."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from stage import INJECT, A, Room, actor, ready, service

pytestmark = pytest.mark.system
LIFE = {"proxy.istio.io/config": json.dumps({"proxyMetadata": {"SECRET_TTL": "12s"}})}
LASTS_S = 20.0
LOOP = (
    "end=$((SECONDS+{seconds})); while [ $SECONDS -lt $end ]; do "
    "curl -s -m 5 -o /dev/null -H 'connection: close' -w '%{{http_code}}\\n' http://brief/; done"
)


def serial(room: Room, pod: str) -> str:
    """The certificate that the pod's proxy shows now."""
    uid = room.cluster.json("pod", pod, "-n", A)["metadata"]["uid"]
    socket = str(room.cluster.options.paths.pod(uid) / "admin.sock")
    said = room.cluster.shell.must(["curl", "-sS", "--unix-socket", socket, "http://x/certs"])
    rows: list[dict[str, Any]] = json.loads(said)["certificates"]
    (found,) = {row["cert_chain"][0]["serial_number"] for row in rows if row["cert_chain"]}
    return str(found)


def test_no_request_is_lost_while_short_certificates_are_renewed_again_and_again(room: Room) -> None:
    names = ("brief", "asker")
    pods = [actor(A, n, labels={**INJECT, "app": n}, annotations=LIFE) for n in names]
    with room.rules(*pods, service(A, "brief", {"http": (80, 8080)})):
        ready(room.cluster, A, *names)
        room.soon(lambda: room.curl(f"{A}/asker", "http://brief/").status, 200)
        asking = room.begin(
            f"{A}/asker", "bash", "-c", LOOP.format(seconds=int(LASTS_S)), seconds=LASTS_S + 10
        )
        seen: dict[str, set[str]] = {name: set() for name in names}
        end = time.monotonic() + LASTS_S
        while time.monotonic() < end:
            for name in names:
                seen[name].add(serial(room, name))
            time.sleep(0.5)
        answers = asking.result(LASTS_S + 15).out.split()
        assert set(answers) == {"200"}
        assert len(answers) > 50
        assert all(len(serials) >= 3 for serials in seen.values()), seen
    for name in names:
        room.forget(f"{A}/{name}")
