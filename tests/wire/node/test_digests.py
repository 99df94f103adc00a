"""Digests of images that are added, changed and removed on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hauberk.app.digests import Digests
from hauberk.base.paths import Paths
from hauberk.base.refs import Ref
from hauberk.kinds.serving.revision import KIND
from hauberk.node import images
from hauberk.serving.resolver import Digest, Unresolvable
from hauberk.serving.revision.controller import observer
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

REF = Ref(KIND.id, "default", "shop-00001")


def at(folder: Path) -> tuple[Digests, MemoryApi, FakeClock]:
    clock = FakeClock()
    api = MemoryApi(clock)
    return Digests(api, Paths(run=folder / "run", data=folder / "data"), clock), api, clock


def app(folder: Path, line: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text(f"web: {line}\n")
    return folder


def revision(**row: str) -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {"name": REF.name, "namespace": REF.namespace, "uid": "u"},
        "spec": {"containers": [{"name": "app", "image": "shop/app"}]},
        "status": {"containerStatuses": [{"name": "app", **row}]},
    }


async def test_a_missing_image_is_asked_for_again_once_the_images_change(tmp_path: Path) -> None:
    digests, api, clock = at(tmp_path)
    api.seed(revision())
    woken: list[tuple[str, Ref]] = []
    missing = digests("shop/app")
    assert isinstance(missing, Unresolvable)
    assert "hauberk image add shop/app" in missing.message
    async with asyncio.TaskGroup() as group:
        task = group.create_task(digests.run(lambda name, ref: woken.append((name, ref))))
        await clock.advance(1.5)
        assert not woken
        images.add("shop/app", app(tmp_path / "app", "true"), digests.paths)
        await clock.advance(1.5)
        task.cancel()
    assert woken == [("revision", REF)]
    found = digests("shop/app")
    assert isinstance(found, Digest)
    assert found.image.startswith("docker.io/shop/app@sha256:")


async def test_a_revision_keeps_its_digest_when_the_tag_moves_on(tmp_path: Path) -> None:
    digests, api, _ = at(tmp_path)
    first = images.add("shop/app", app(tmp_path / "app", "true"), digests.paths).digest
    second = images.add("shop/app", app(tmp_path / "app", "false"), digests.paths).digest
    assert first != second
    before = f"docker.io/shop/app@{first}"
    assert images.resolve(before, digests.paths).digest == first
    api.seed(revision(imageDigest=before))
    world = observer(digests)(api.snapshot(), REF)
    assert world is not None
    assert world.digests == {"shop/app": Digest(before)}
    assert images.rm("shop/app", digests.paths)
    assert [row.reference for row in images.ls(digests.paths) if "shop" in row.reference] == []
