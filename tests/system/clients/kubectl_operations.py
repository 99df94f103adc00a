"""The operations of the matrix as a user of kubectl does them."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hauberk.testing.space import Space

MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, labels: {set: x}}
data: {k: %s}
"""
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  selector: {a: b}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}]
"""


def refused(space: Space, said: str, *args: str, text: str | None = None) -> None:
    ran = space.run(*args, text=text)
    assert not ran.ok, f"not refused: {ran.out}"
    assert said in ran.err, ran.err


def names(space: Space, *args: str) -> list[str]:
    return [line.partition("/")[2] for line in space.must("get", "cm", "-o", "name", *args).split()]


def discover(space: Space) -> None:
    kinds = space.must("api-resources", "-o", "name").split()
    assert {"configmaps", "services.serving.knative.dev", "deployments.apps"} <= set(kinds)
    for output in ("plaintext", "plaintext-openapiv2"):
        said = space.must("explain", "deployment.spec.template.spec.containers", f"--output={output}")
        assert "KIND:" in said
        assert "image" in said


def create(space: Space) -> None:
    space.must("create", "-f", "-", text=MAP % ("one", "v"))
    refused(space, "AlreadyExists", "create", "-f", "-", text=MAP % ("one", "v"))
    space.must("create", "deployment", "web", "--image=hauberk.local/curl", "--replicas=0")


def get(space: Space) -> None:
    assert space.json("cm", "one")["data"] == {"k": "v"}
    refused(space, "NotFound", "get", "cm", "none")


def pages(space: Space) -> None:
    for i in range(5):
        space.must("create", "-f", "-", text=MAP % (f"page-{i}", "v"))
    assert names(space, "-l", "set=x", "--chunk-size=2") == ["one", *(f"page-{i}" for i in range(5))]


def select(space: Space) -> None:
    assert names(space, "--field-selector", "metadata.name=one") == ["one"]
    assert names(space, "-l", "set notin (x),set") == []


def watch(space: Space) -> None:
    space.must("create", "-f", "-", text=MAP % ("seen", "v"))
    space.must("wait", "cm/seen", "--for=jsonpath={.data.k}=v", "--timeout=5s")
    space.must("delete", "cm", "seen", "--wait")


def update(space: Space) -> None:
    space.must("replace", "-f", "-", text=MAP % ("one", "replaced"))
    assert space.json("cm", "one")["data"]["k"] == "replaced"


def conflict(space: Space) -> None:
    read = space.json("cm", "one")
    space.must("label", "cm", "one", "other=1")
    refused(space, "Conflict", "replace", "-f", "-", text=json.dumps(read))


def merge_patch(space: Space) -> None:
    space.must("patch", "cm", "one", "--type=merge", "-p", '{"metadata":{"labels":{"other":null}}}')
    assert "other" not in space.json("cm", "one")["metadata"]["labels"]


def json_patch(space: Space) -> None:
    change = '[{"op":"replace","path":"/data/k","value":"patched"}]'
    space.must("patch", "cm", "one", "--type=json", "-p", change)
    assert space.json("cm", "one")["data"]["k"] == "patched"


def strategic_patch(space: Space) -> None:
    change = '{"spec":{"template":{"spec":{"containers":[{"name":"more","image":"hauberk.local/curl"}]}}}}'
    space.must("patch", "deployment", "web", "-p", change)
    found = space.json("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert sorted(c["name"] for c in found) == ["curl", "more"]


def apply(space: Space) -> None:
    space.must("apply", "-f", "-", text=MAP % ("applied", "v"))  # from the client's side
    space.must("apply", "--server-side", "-f", "-", text=MAP % ("applied", "upgraded"))
    stored = space.json("cm", "applied", "--show-managed-fields")["metadata"]
    owners = {e["manager"]: e["operation"] for e in stored["managedFields"]}
    assert owners == {"kubectl": "Apply", "kubectl-last-applied": "Apply"}, owners
    assert "upgraded" in stored["annotations"]["kubectl.kubernetes.io/last-applied-configuration"], stored
    other = ("apply", "--server-side", "--field-manager=bob", "-f", "-")
    refused(space, 'conflict with "kubectl"', *other, text=MAP % ("applied", "bobs"))
    space.must(*other, "--force-conflicts", text=MAP % ("applied", "bobs"))


def scale(space: Space) -> None:
    space.must("scale", "deployment", "web", "--replicas=1")
    assert space.json("deployment", "web")["spec"]["replicas"] == 1
    space.must("scale", "deployment", "web", "--replicas=0")


def status(space: Space) -> None:
    change = '{"spec":{"paused":true},"status":{"conditions":[{"type":"Tested","status":"True"}]}}'
    space.must("patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", change)
    assert "paused" not in space.json("deployment", "web")["spec"]


def custom(space: Space) -> None:
    space.apply(GATEWAY)
    assert "gate" in space.must("get", "gateways.networking.istio.io")
    space.must("delete", "gateways.networking.istio.io", "gate")


def dry_run(space: Space) -> None:
    space.must("create", "--dry-run=server", "-f", "-", text=MAP % ("dry", "v"))
    space.must("delete", "--dry-run=server", "cm", "one")
    assert "dry" not in names(space)
    assert "one" in names(space)


def delete(space: Space) -> None:
    space.must("delete", "cm", "one")
    refused(space, "NotFound", "delete", "cm", "one")
    space.must("delete", "deployment", "web", "--cascade=foreground")


def delete_many(space: Space) -> None:
    space.must("delete", "cm", "-l", "set=x")
    assert names(space, "-l", "set=x") == []


OPERATIONS: dict[str, Callable[[Space], None]] = {
    "discover": discover, "create": create, "get": get, "pages": pages, "select": select, "watch": watch,
    "update": update, "conflict": conflict, "merge-patch": merge_patch, "json-patch": json_patch,
    "strategic-patch": strategic_patch, "apply": apply, "scale": scale, "status": status, "custom": custom,
    "dry-run": dry_run, "delete": delete, "delete-many": delete_many,
}  # fmt: skip


def results(space: Space) -> Iterator[tuple[str, Any]]:
    """What each operation came to, all of them run in order."""
    for name, operation in OPERATIONS.items():
        try:
            operation(space)
        except (Exception, pytest.fail.Exception) as error:  # told where the operation is asserted
            yield name, "".join(traceback.format_exception(error))[-2000:]
        else:
            yield name, ""
