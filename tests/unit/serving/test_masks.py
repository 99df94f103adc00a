"""What the platform keeps for itself in containers and pods."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.kinds.serving.masks import check_masks


def refused(
    container: dict[str, Any] | None = None, features: dict[str, str] | None = None, **spec: Any
) -> Any:
    made = {"containers": [{"image": "x", **(container or {})}], **spec}
    return [(e.path, e.message) for e in check_masks(made, features or {})]


@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"securityContext": {"privileged": True}}, "securityContext.privileged"),
        ({"securityContext": {"procMount": "Unmasked"}}, "securityContext.procMount"),
        ({"securityContext": {"seLinuxOptions": {}}}, "securityContext.seLinuxOptions"),
        ({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "securityContext.capabilities.add"),
        ({"volumeDevices": []}, "volumeDevices"),
        ({"volumeMounts": [{"name": "v", "mountPropagation": "None"}]}, "volumeMounts[0].mountPropagation"),
    ],
)
def test_a_container_may_not_set(container: dict[str, Any], path: str) -> None:
    assert refused(container) == [(f"containers[0].{path}", "must not set the field(s)")]
    as_init = {"initContainers": [{"image": "x", **container}]}
    assert refused(**as_init) == [(f"initContainers[0].{path}", "must not set the field(s)")]


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_user_is_a_number_of_31_bits(number: int) -> None:
    context = {"securityContext": {"runAsUser": number}}
    said = [("containers[0].securityContext.runAsUser", f"expected 0 <= {number} <= 2147483647")]
    assert refused(context) == said


def test_what_upstream_defaults_and_allows_passes() -> None:
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 0,
        "runAsGroup": 1,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert not refused({"securityContext": context})


def test_flags_of_config_features_allow_more() -> None:
    pod = {"securityContext": {"runAsUser": 1, "fsGroup": 2}}
    paths = ["securityContext.fsGroup", "securityContext.runAsUser"]
    assert [path for path, _ in refused(**pod)] == paths
    assert not refused(features={"kubernetes.podspec-securitycontext": "enabled"}, **pod)
    add = {"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}
    assert not refused(add, {"kubernetes.containerspec-addcapabilities": "enabled"})
