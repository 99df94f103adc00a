"""What somebody who helps needs to see: objects, logs, proxies' state, versions; with every secret hidden."""

from __future__ import annotations

import asyncio
import json
import tarfile
from collections.abc import AsyncIterator, Iterable, Sequence
from io import BytesIO
from pathlib import Path

import yaml

from hauberk.base.apierrors import ApiError
from hauberk.base.files import write_whole
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, ref_of
from hauberk.integration.day2.clean import clean
from hauberk.integration.model import Integration
from hauberk.integration.redact import redacted_text
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import Resource

CORE = frozenset(
    {"Pod", "Service", "Endpoints", "ConfigMap", "Secret", "Event", "Namespace", "ServiceAccount"}
)
GROUPS = (
    "apps", "discovery.k8s.io", "networking.k8s.io", "admissionregistration.k8s.io", "istio.io", "maistra.io",
    "sailoperator.io", "knative.dev", "route.openshift.io", "serverless.openshift.io", "operators.coreos.com",
)  # fmt: skip
AT_ONCE = 8
MOST_LINES = 1000
STATUS = "/hauberk/v1/status"


async def fetch_files(kube: Kube, integration: Integration) -> tuple[tuple[str, str], ...]:
    """(name, text) of everything that may be read; `missing.txt` says what may not."""
    missing: list[str] = []
    files = [("version.json", json.dumps(await kube.version(), indent=2))]
    places = dict.fromkeys((integration.mesh.namespace, integration.gateway_namespace, *integration.members))
    pods: list[Json] = []
    async for row, objects in _objects(kube, tuple(places), missing):
        if row.kind == "Pod":
            pods += objects
        files += _by_namespace(row, objects)
    files += await _logs(kube, pods, missing)
    files += await _proxies(kube, missing)
    return (*files, ("missing.txt", "".join(f"{line}\n" for line in missing)))


def is_wanted(row: Resource) -> bool:
    """Whether objects of this kind help somebody who looks at the integration."""
    if "list" not in row.verbs:
        return False
    if not row.group:
        return row.kind in CORE
    return any(row.group == g or row.group.endswith(f".{g}") for g in GROUPS)


async def _objects(
    kube: Kube, places: Sequence[str], missing: list[str]
) -> AsyncIterator[tuple[Resource, Sequence[Json]]]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(row: Resource) -> tuple[Resource, Sequence[Json]]:
        async with gate:
            try:
                found = await kube.list(row.kind)
            except ApiError as error:
                missing.append(f"{row.kind}: {error.code} {error.reason}")
                return row, ()
        if row.kind == "Namespace":
            return row, [o for o in found if o["metadata"]["name"] in places]
        return row, [o for o in found if o["metadata"].get("namespace", "") in ("", *places)]

    rows = sorted((await kube.kinds()).values(), key=lambda row: row.kind)
    for answer in await asyncio.gather(*(ask(row) for row in rows if is_wanted(row))):
        yield answer


def _by_namespace(row: Resource, objects: Iterable[Json]) -> list[tuple[str, str]]:
    found: dict[str, list[Json]] = {}
    for obj in objects:
        found.setdefault(obj["metadata"].get("namespace", "") or "_cluster", []).append(clean(obj))
    return [
        (f"objects/{where}/{row.kind}.yaml", yaml.safe_dump_all(objs, sort_keys=False, allow_unicode=True))
        for where, objs in sorted(found.items())
    ]


async def _logs(kube: Kube, pods: Iterable[Json], missing: list[str]) -> list[tuple[str, str]]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(pod: Json, container: str, previous: bool) -> tuple[str, str]:
        ref = ref_of(pod)
        name = f"logs/{ref.namespace}/{ref.name}/{container}{'.previous' if previous else ''}.log"
        async with gate:
            try:
                return name, redacted_text(await kube.logs(ref, container, MOST_LINES, previous=previous))
            except ApiError as error:
                missing.append(f"{name}: {error.code} {error.reason}")
                return name, ""

    asked = []
    for pod in pods:
        status = pod.get("status") or {}
        for row in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
            asked.append(ask(pod, row["name"], False))
            if row.get("restartCount"):
                asked.append(ask(pod, row["name"], True))
    return [row for row in await asyncio.gather(*asked) if row[1]]


async def _proxies(kube: Kube, missing: list[str]) -> list[tuple[str, str]]:
    """Each proxy's state as the control plane tells it; only the embedded one does so through its API."""
    try:
        found = await kube.request("GET", STATUS)
    except ApiError:
        missing.append("proxies: this cluster's API does not tell; istioctl proxy-status")
        return []
    return [("proxies.json", json.dumps(found.get("proxies"), indent=2))] if isinstance(found, dict) else []


def write(path: Path, files: Iterable[tuple[str, str]], now: float) -> None:
    """A gzipped archive that only its owner may read. Raises Problem when the file is there already."""
    if path.exists():
        raise Problem(
            f"`{path}` is there already",
            wanted="a new file for the bundle",
            found="an existing one",
            fix=f"hauberk support bundle --to {path.stem.removesuffix('.tar')}-2.tar.gz",
        )
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files:
            data = text.encode()
            entry = tarfile.TarInfo(f"hauberk-support/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(now)
            archive.addfile(entry, BytesIO(data))
    write_whole(path, content.getvalue())
