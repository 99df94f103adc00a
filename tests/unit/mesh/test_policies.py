"""Which PeerAuthentication counts for a workload and its ports."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds.istio_security.peer_authentication import KIND
from hauberk.mesh.model import Mode, Settings
from hauberk.mesh.policies import peer_modes
from hauberk.mesh.workloads import Workload

POD = Workload(
    uid="u", name="p", namespace="apps", service_account="default", ip="", labels=(("app", "web"),)
)


def policy(
    namespace: str, mode: str, *, app: str = "", ports: dict[str, str] | None = None, at: str = ""
) -> Any:
    spec: dict[str, Any] = {"mtls": {"mode": mode}} if mode else {}
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    if ports:
        spec["portLevelMtls"] = {port: {"mode": m} for port, m in ports.items()}
    meta = {"name": f"{mode}{at}", "namespace": namespace, "creationTimestamp": at}
    return KIND.parse({"metadata": meta, "spec": spec})


@pytest.mark.parametrize(
    ("situation", "strict", "policies", "want"),
    [
        ("nothing, mtls off", False, [], Mode.PERMISSIVE),
        ("nothing, mtls on", True, [], Mode.STRICT),
        ("mesh", False, [policy("root", "STRICT")], Mode.STRICT),
        ("namespace over mesh", False, [policy("root", "STRICT"), policy("apps", "DISABLE")], Mode.DISABLE),
        (
            "workload over namespace",
            False,
            [policy("apps", "DISABLE"), policy("apps", "STRICT", app="web")],
            Mode.STRICT,
        ),
        ("another workload's", True, [policy("apps", "DISABLE", app="other")], Mode.STRICT),
        ("another namespace's", True, [policy("other", "DISABLE")], Mode.STRICT),
        ("unset inherits", True, [policy("apps", "UNSET")], Mode.STRICT),
        (
            "the oldest of two counts",
            False,
            [policy("apps", "DISABLE", at="2026-02-01"), policy("apps", "STRICT", at="2026-01-01")],
            Mode.STRICT,
        ),
    ],
)
def test_the_nearest_policy_counts(situation: str, strict: bool, policies: list[Any], want: Mode) -> None:
    assert peer_modes(POD, policies, Settings(root="root", strict=strict)).default == want, situation


def test_a_port_may_differ_from_its_workload() -> None:
    own = policy("apps", "", app="web", ports={"8443": "PERMISSIVE", "9000": "UNSET"})
    modes = peer_modes(POD, [own], Settings(root="root", strict=True))
    assert (modes.of(8443), modes.of(9000), modes.of(80)) == (Mode.PERMISSIVE, Mode.STRICT, Mode.STRICT)
