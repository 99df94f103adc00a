"""Definitions and a client for the tests of users' kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from hauberk.apiserver import Server
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store
from hauberk.testing.asgi import AsgiClient

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRONTABS = "/apis/stable.example.com/v1/namespaces/default/crontabs"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["cronSpec"],
    "x-kubernetes-validations": [
        {
            "rule": "self.replicas <= self.maxReplicas",
            "messageExpression": "'at most ' + string(self.maxReplicas)",
        },
        {
            "rule": "self.image == oldSelf.image",
            "message": "image is immutable",
            "reason": "FieldValueForbidden",
            "fieldPath": ".image",
        },
    ],
    "properties": {
        "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "image": {"type": "string", "default": "nginx"},
        "replicas": {"type": "integer", "minimum": 0, "maximum": 10, "default": 1},
        "maxReplicas": {"type": "integer", "default": 5},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "note": {"type": "string", "nullable": True},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port"],
            "items": {
                "type": "object",
                "required": ["port"],
                "properties": {"port": {"type": "integer"}, "name": {"type": "string"}},
            },
        },
    },
}  # fmt: skip
STATUS = {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}}
SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def version(name: str, *, storage: bool = True, spec: Any = None, **more: Any) -> dict[str, Any]:
    """A row of `spec.versions`."""
    schema = {"type": "object", "properties": {"spec": spec or SPEC, "status": STATUS}}
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "subresources": {"status": {}, "scale": SCALE},
        "schema": {"openAPIV3Schema": schema},
        **more,
    }


def crd(*versions: dict[str, Any], group: str = "stable.example.com", **spec: Any) -> dict[str, Any]:
    """The definition of CronTab."""
    names = {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"crontabs.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": list(versions) or [version("v1")],
            **spec,
        },
    }


def crontab(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A CronTab."""
    wanted = {"cronSpec": "* * * * */5", **spec}
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": wanted,
    }


class Calls(AsgiClient):
    """Requests that tell their Warnings, too."""

    def __init__(self, api: Server) -> None:
        super().__init__(self._noted)
        self.api = api
        self.warnings: list[str] = []

    async def _noted(self, scope: Any, receive: Any, send: Any) -> None:
        async def seen(message: Any) -> None:
            if message["type"] == "http.response.start":
                rows = [v.decode("latin-1") for k, v in message["headers"] if k == b"warning"]
                self.warnings = [orjson.loads(row.split(" ", 2)[2]) for row in rows]
            await send(message)

        await self.api.asgi(scope, receive, seen)


@asynccontextmanager
async def serving(folder: Path, name: str = "s") -> AsyncIterator[Calls]:
    """A server with the namespace `default`, whose definitions are looked after."""
    store = Store.open(folder / f"{name}.db", ephemeral=True)
    api = Server(store, clock=SystemClock())
    async with asyncio.TaskGroup() as group:
        cleaner = group.create_task(api.cleaner.run())
        if not store.snapshot().list("Namespace"):
            await api.create(a("Namespace", "default"))
        yield Calls(api)
        cleaner.cancel()
    await store.close()


async def answers(calls: Calls, url: str, code: int) -> None:
    """Wait until a path answers so."""
    for _ in range(500):
        if (await calls("GET", url))[0] == code:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{url} does not answer {code}")


async def gone(calls: Calls, url: str) -> None:
    """Wait until nothing is at a path."""
    await answers(calls, url, 404)
