from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Ref
from hauberk.serving.ingress.controller import INGRESS, observer
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi


def ingress(generation: int, observed: int, ready: str) -> dict[str, Any]:
    notes = {"networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"}
    meta = {"name": "hello", "namespace": "default", "generation": generation, "annotations": notes}
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": meta,
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("stored", "gateways", "router", "want"),
    [
        # others' changes on their way to a gateway do not matter
        (ingress(1, 1, "True"), False, False, (True, True)),
        (ingress(2, 1, "True"), False, True, (False, False)),
        (ingress(1, 1, "Unknown"), False, True, (False, False)),
        (ingress(2, 1, "True"), True, False, (True, False)),
        (ingress(2, 1, "True"), True, True, (True, True)),
    ],
)
def test_a_generation_that_was_served_once_stays_served(
    stored: dict[str, Any], gateways: bool, router: bool, want: tuple[bool, bool]
) -> None:
    api = MemoryApi(FakeClock())
    api.seed(stored)
    observe = observer(lambda _ingress, _revision: gateways, lambda _ingress: router)
    world = observe(api.snapshot(), Ref(INGRESS, "default", "hello"))
    assert world is not None
    assert (world.served, world.exposed) == want
