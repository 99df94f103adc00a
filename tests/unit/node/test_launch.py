from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hauberk.base.paths import Paths
from hauberk.node import enter
from hauberk.node.images.model import Mount, ResolvedImage
from hauberk.node.launch import Launch, command_of, container_request

IMAGE = ResolvedImage(
    "i", "oci", "sha256:0", ("/entry",), ("cmd",), env={"A": "image", "B": "image"}, user="65532:0"
)


def launch(**fields: Any) -> Launch:
    return Launch(**{"uid": "u", "name": "c", "attempt": 2, "image": IMAGE, "log": Path("/l"), **fields})


def request(**fields: Any) -> dict[str, Any]:
    return container_request(launch(**fields), Paths(Path("/run/x"), Path("/data")))


@pytest.mark.parametrize(
    ("argv", "args", "wanted"),
    [
        (None, (), ("/entry", "cmd")),
        (None, ("a",), ("/entry", "a")),
        (("c",), (), ("c",)),
        (("c",), ("a",), ("c", "a")),
    ],
)
def test_command_and_args(
    argv: tuple[str, ...] | None, args: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    assert command_of(launch(argv=argv, args=args)) == wanted


def test_the_pods_environment_wins_over_the_images() -> None:
    env = request(env={"A": "pod"}, hostname="h")["env"]
    assert {k: env[k] for k in ("A", "B", "HOSTNAME")} == {"A": "pod", "B": "image", "HOSTNAME": "h"}


def test_outer_mounts_come_before_inner_ones() -> None:
    mounts = (Mount("/s1", "/a/b"), Mount("/s2", "/a", read_only=True))
    assert request(mounts=mounts)["binds"] == [["/s2", "/a", True], ["/s1", "/a/b", False]]


@pytest.mark.parametrize(("asked", "wanted"), [(None, 65532), (0, 0), (7, 7)])
def test_the_pods_user_wins_over_the_images(asked: int | None, wanted: int) -> None:
    assert request(run_as_user=asked)["user"] == wanted


def test_each_attempt_has_its_own_writable_layer() -> None:
    assert request()["scratch"] == "/run/x/pods/u/rootfs/c-2"


def test_names_are_searched_in_the_pods_namespace() -> None:
    files = dict(request(namespace="shop", hostname="h", ip="10.128.0.9")["files"])
    assert files["/etc/resolv.conf"].splitlines() == [
        "search shop.svc.cluster.local svc.cluster.local cluster.local",
        "nameserver 172.30.0.10",
        "options ndots:5",
    ]
    assert files["/etc/hosts"].endswith("10.128.0.9\th\n")


@pytest.mark.parametrize(
    ("netns", "own", "wanted"),
    [
        (None, True, "nsenter -t 7 -U -m -n --preserve-credentials -- ls"),
        ("/p/netns", True, "nsenter -t 7 -U -m -n --preserve-credentials -- nsenter --net=/p/netns -- ls"),
        (None, False, "nsenter -t 7 -U -m -n -S 0 -G 0 -- ls"),
    ],
)
def test_entering_the_pod_network(netns: str | None, own: bool, wanted: str) -> None:
    assert " ".join(enter.command_line(7, netns, ["ls"], own=own)) == wanted
