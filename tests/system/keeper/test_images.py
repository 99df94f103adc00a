"""Images on a real keeper: samples answer, a Procfile's process runs, an OCI archive runs."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from keeper_fixture import Cluster, eventually, other_user

from hauberk.node import images
from hauberk.node.images.model import Mount, ResolvedImage

pytestmark = pytest.mark.system
DIAL = """
import socket, sys
sock = socket.create_connection((sys.argv[1], 8080), 5)
sock.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
sock.settimeout(5)
print(sock.recv(65536).decode())
"""


async def start(cluster: Cluster, uid: str, image: ResolvedImage, **more: object) -> None:
    if uid not in cluster.ips:
        await cluster.pod(uid)
    await cluster.shell(uid, "", image=portable(cluster, image), args=(), **more)


def portable(cluster: Cluster, image: ResolvedImage) -> ResolvedImage:
    """The image with an interpreter and files that the keeper's user can read, when that is another user."""
    if not cluster.keeper.user or image.kind == "oci" or not image.binds:
        return image
    if image.kind == "procfile":
        return replace(image, binds=image.binds[:1])
    samples = cluster.keeper.sources / "hauberk/node/images/samples"
    return replace(
        image,
        entrypoint=("/usr/bin/python3", *image.entrypoint[1:]),
        binds=(Mount(str(samples), "/ko-app", True),),
    )


async def get(cluster: Cluster, ip: str, request: str) -> str:
    for _ in range(200):
        done = cluster.keeper.run_in(None, "/usr/bin/python3", "-S", "-c", DIAL, ip, request)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr)


async def test_helloworld_greets_its_target(cluster: Cluster) -> None:
    image = images.resolve("hauberk.local/helloworld", cluster.keeper.paths)
    await start(cluster, "a", image, env={"TARGET": "Openshift", "PORT": "8080"})
    answer = await get(cluster, cluster.ips["a"], r"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 OK")
    assert answer.endswith("\n\nHello Openshift!\n\n")
    await cluster.runtime.signal("a", "app", 15)
    assert (await cluster.next_exit()).code == 0


async def test_event_display_prints_events(cluster: Cluster) -> None:
    await start(cluster, "a", images.resolve("hauberk.local/event-display", cluster.keeper.paths))
    head = r"POST / HTTP/1.1\r\nce-specversion: 1.0\r\nce-type: t\r\nce-source: s\r\nce-id: 1\r\n"
    body = r"content-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}".replace('\\"', '"')
    assert "200 OK" in await get(cluster, cluster.ips["a"], head + body)
    await eventually(lambda: '"a": 1' in cluster.log("a"))
    text = "\n".join(line.split(" ", 3)[3] for line in cluster.log("a").splitlines())
    assert (
        "cloudevents.Event\nValidation: valid\nContext Attributes,\n  specversion: 1.0\n  type: t\n" in text
    )


async def test_the_component_ends_at_once_when_asked(cluster: Cluster) -> None:
    await start(
        cluster, "a", replace(images.resolve("hauberk.local/component", cluster.keeper.paths), kind="proxy")
    )
    await cluster.shell("a", "sleep 0.2", "other")  # the first process ignores signals until its trap is set
    assert (await cluster.next_exit()).name == "other"
    await cluster.runtime.signal("a", "app", 15)
    async with contextlib.aclosing(cluster.runtime.exits()) as exits:
        rows = [await anext(exits), await anext(exits)]
    assert [row.code for row in rows if row.name == "app"] == [0]


async def test_a_procfile_app_runs_where_it_lies(cluster: Cluster) -> None:
    app = cluster.keeper.base / "app"
    app.mkdir(mode=0o755)
    (app / "Procfile").write_text("web: echo web $PORT; sleep 100\nworker: echo worker; ls; sleep 100\n")
    images.add("shop/app", app, cluster.keeper.paths)
    own(cluster)
    image = images.resolve("shop/app", cluster.keeper.paths)
    await start(cluster, "a", image, env={"PORT": "8080"})
    await eventually(lambda: "F web 8080" in cluster.log("a"))
    await cluster.shell("a", "worker", "second", image=portable(cluster, image))
    await eventually(lambda: "F Procfile" in cluster.log("a", "second"))
    by_digest = images.resolve(f"shop/app@{image.digest}", cluster.keeper.paths)
    assert (by_digest.digest, by_digest.binds) == (image.digest, image.binds)


def own(cluster: Cluster) -> None:
    if cluster.keeper.user:
        user = other_user()
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(cluster.keeper.base)], check=True)


def make_archive(folder: Path) -> Path:
    """A small OCI archive with a shell and the libraries that it needs."""
    layout, bundle = f"{folder}/layout", folder / "bundle"

    def run(*argv: str) -> str:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:v1")
    run("umoci", "unpack", "--rootless", "--image", f"{layout}:v1", str(bundle))
    for program in ("/bin/sh", "/bin/cat", "/usr/bin/id"):
        target = bundle / "rootfs" / program.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(program, target)
        for word in run("ldd", program).split():
            if word.startswith("/"):
                library = bundle / "rootfs" / word.lstrip("/")
                library.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(word, library)
    (bundle / "rootfs/greeting").write_text("hello from the image\n")
    (bundle / "rootfs/etc").mkdir(exist_ok=True)
    (bundle / "rootfs/etc/passwd").write_text("app:x:1234:0::/:/bin/sh\n")
    run("umoci", "repack", "--image", f"{layout}:v1", str(bundle))
    script = "cat greeting; echo $WHO; id -u"
    settings = ["--config.entrypoint", "/bin/sh", "--config.cmd", "-c", "--config.cmd", script]
    run(
        "umoci",
        "config",
        "--image",
        f"{layout}:v1",
        *settings,
        "--config.env",
        "WHO=me",
        "--config.user",
        "app",
    )
    archive = folder / "image.tar"
    run(
        "skopeo",
        "copy",
        "--insecure-policy",
        f"oci:{layout}:v1",
        f"oci-archive:{archive}:registry.test/app:v1",
    )
    return archive


@pytest.mark.skipif(not shutil.which("umoci") or not shutil.which("skopeo"), reason="needs umoci and skopeo")
async def test_an_oci_archive_runs_with_its_own_files_and_settings(cluster: Cluster, tmp_path: Path) -> None:
    row = images.load(make_archive(tmp_path), cluster.keeper.paths)
    assert row.reference == "registry.test/app:v1"
    own(cluster)
    image = images.resolve("registry.test/app:v1", cluster.keeper.paths)
    await start(cluster, "a", image)
    await eventually(lambda: "F 1234" in cluster.log("a"))
    said = [line.rpartition(" F ")[2] for line in cluster.log("a").splitlines()]
    assert said == ["hello from the image", "me", "1234"]
    await cluster.next_exit()
    write = (
        "echo changed > /greeting; cat /greeting; cat /etc/resolv.conf; while :; do read x </dev/zero; done"
    )
    await cluster.shell("a", "", "second", image=image, args=("-c", write), run_as_user=0)
    await eventually(lambda: "F options ndots:5" in cluster.log("a", "second"))
    assert "F changed" in cluster.log("a", "second")
    assert (Path(image.root) / "greeting").read_text() == "hello from the image\n"
    assert images.resolve(f"registry.test/app@{image.digest}", cluster.keeper.paths).root == image.root
    assert images.rm("registry.test/app:v1", cluster.keeper.paths)
    assert json.loads((cluster.keeper.paths.images / "index.json").read_text()) == {}
    with pytest.raises(images.ImageProblem, match="hauberk image load"):
        images.resolve("registry.test/app:v1", cluster.keeper.paths)
