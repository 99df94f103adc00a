"""Only pods in which a program opens connections are told where services are."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.mesh.workloads import workload_of

PROXY = {"name": "istio-proxy", "image": "hauberk.local/proxyv2:1.20"}


def pod(*images: str) -> dict[str, Any]:
    containers = [PROXY, *({"name": f"c{i}", "image": image} for i, image in enumerate(images))]
    return {"metadata": {"name": "p", "namespace": "a", "uid": "p"}, "spec": {"containers": containers}}


@pytest.mark.parametrize(
    ("images", "dials"),
    [
        (["hauberk.local/activator"], False),
        (["hauberk.local/autoscaler:1.20"], False),
        (["hauberk.local/component"], False),
        (["hauberk.local/queue", "hauberk.local/helloworld"], True),
        (["example.com/app"], True),
        (["hauberk.local/component", "example.com/app"], True),
    ],
)
def test_a_pod_dials_when_a_program_runs_in_it(images: list[str], dials: bool) -> None:
    assert workload_of(pod(*images)).dials is dials
