from __future__ import annotations

from typing import Any

from hauberk.app.report import report
from hauberk.cluster.options import Options
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

OPTIONS = Options(api_port=6443, https_port=8443, http_port=8080, run="/r", data="/d")


def pod(name: str, *, ready: bool) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "a", "image": "b"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


async def test_the_report_counts_what_is_ready_and_in_sync_and_names_the_rest() -> None:
    api = MemoryApi(FakeClock())
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    for one in (pod("up", ready=True), pod("down", ready=False)):
        made = await api.create(one)
        await api.apply_status(_ref(made), one["status"], manager="kubelet")
    uid = next(p for p in api.snapshot().list("Pod") if p["metadata"]["name"] == "up")["metadata"]["uid"]
    shown = report(OPTIONS, api.snapshot(), {uid: "SYNCED", "gone": "STALE"}, version="1")
    assert shown["endpoints"] == {
        "api": "https://127.0.0.1:6443",
        "https": "127.0.0.1:8443",
        "http": "127.0.0.1:8080",
    }
    assert (shown["pods"]["total"], shown["pods"]["ready"]) == (2, 1)
    assert (shown["proxies"]["total"], shown["proxies"]["synced"]) == (2, 1)
    assert {"proxy": "up.default", "status": "SYNCED"} in shown["proxies"]["items"]


def _ref(obj: Any) -> Any:
    from hauberk.base.refs import ref_of

    return ref_of(obj)
