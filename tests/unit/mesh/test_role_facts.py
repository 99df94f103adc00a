from __future__ import annotations

from typing import Any

import pytest

from hauberk.mesh.role_facts import queue_role
from hauberk.mesh.workloads import workload_of
from hauberk.serving.revision.make import Settings, make_deployment


@pytest.mark.parametrize(("name", "spoken"), [("h2c", "h2c"), ("http1", "http1"), ("", "http1")])
def test_the_queue_speaks_to_the_container_as_the_revision_says(name: str, spoken: str) -> None:
    port: dict[str, Any] = {"containerPort": 8080, **({"name": name} if name else {})}
    revision = {
        "metadata": {"name": "a-00001", "namespace": "default", "uid": "u"},
        "spec": {"containers": [{"name": "user-container", "image": "a", "ports": [port]}]},
    }
    pod = make_deployment(revision, Settings())["spec"]["template"]
    queue = next(c for c in pod["spec"]["containers"] if c["name"] == "queue-proxy")
    env = {e["name"]: e.get("value", "") for e in queue["env"]}
    meta = {**pod["metadata"], "name": "p", "namespace": "default", "uid": "p"}
    role = queue_role(env, workload_of({**pod, "metadata": meta}))
    assert (role.protocol, role.user_port) == (spoken, 8080)
