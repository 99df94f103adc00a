from __future__ import annotations

from hauberk.app.mesh_feed import already_told, status_changes, wanted_conditions
from hauberk.base.refs import Ref
from hauberk.mesh import Finding
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

GATEWAY = Ref("Gateway.networking.istio.io", "default", "g")
NOW = "2026-01-01T00:00:00Z"


async def api_with_gateway() -> MemoryApi:
    api = MemoryApi(FakeClock())
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    await api.create(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "g", "namespace": "default"},
            "spec": {
                "servers": [{"hosts": ["*"], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}]
            },
        }
    )
    return api


def test_findings_of_one_object_become_one_condition_with_every_reason_once() -> None:
    found = [Finding(GATEWAY, "A", "first"), Finding(GATEWAY, "B", "second"), Finding(GATEWAY, "A", "first")]
    (row,) = wanted_conditions(found).values()
    assert (row["status"], row["reason"], row["message"]) == ("False", "A", "first; second")


async def test_an_object_is_told_once_and_told_again_when_it_is_well() -> None:
    api = await api_with_gateway()
    wanted = wanted_conditions([Finding(GATEWAY, "NoSecret", "gone")])
    ((ref, status),) = status_changes(wanted, (), api.snapshot(), NOW)
    await api.apply_status(ref, status, manager="m")
    assert status_changes(wanted, [GATEWAY], api.snapshot(), NOW) == []
    told = already_told(api.snapshot())  # from what is stored, so it survives a restart
    ((_, well),) = status_changes({}, told, api.snapshot(), NOW)
    assert well["conditions"][0]["status"] == "True"


async def test_an_object_that_is_gone_is_not_written() -> None:
    api = await api_with_gateway()
    gone = Ref("Gateway.networking.istio.io", "default", "gone")
    assert status_changes(wanted_conditions([Finding(gone, "A", "m")]), (), api.snapshot(), NOW) == []
