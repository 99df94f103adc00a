from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cluster import prepare
from hauberk.cluster.options import Options
from hauberk.cluster.prepare import Wish, contradictions, private, settle
from hauberk.edge.ports import Ports

PATHS = Paths(run=Path("/r/n"), data=Path("/d/n"))
PORTS = Ports(api=1, https=2, http=3)
BEFORE = Options(
    name="n",
    domain="before.example.com",
    strict=True,
    address="10.0.0.1",
    api_port=7,
    https_port=8,
    http_port=9,
    run="/r/n",
    data="/d/n",
)


@pytest.mark.parametrize(
    ("wish", "before", "field", "value"),
    [
        (Wish(), None, "domain", "apps.openshift.example.com"),
        (Wish(), BEFORE, "domain", "before.example.com"),
        (Wish(domain="asked.example.com"), None, "domain", "asked.example.com"),
        (Wish(), None, "strict", False),
        (Wish(), BEFORE, "strict", True),
        (Wish(strict=False), BEFORE, "strict", False),
        (Wish(strict=True), None, "strict", True),
        (Wish(), BEFORE, "address", "127.0.0.1"),
        (Wish(address="0.0.0.0"), None, "address", "0.0.0.0"),
        (Wish(), BEFORE, "api_port", 1),
        (Wish(ephemeral=True), BEFORE, "ephemeral", True),
    ],
)
def test_what_is_not_asked_for_is_as_it_was_but_never_open_to_the_network(
    wish: Wish, before: Options | None, field: str, value: Any
) -> None:
    assert getattr(settle(wish, before, PORTS, PATHS), field) == value


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(), []),
        (Wish(domain="before.example.com", strict=True, api_port=7), []),
        (Wish(domain="x.y"), [("domain", "x.y", "before.example.com")]),
        (Wish(strict=False), [("strict", False, True)]),
        (Wish(http_port=10), [("http_port", 10, 9)]),
        (Wish(ephemeral=True), [("ephemeral", True, False)]),
    ],
)
def test_a_running_cluster_contradicts_what_it_has_otherwise(
    wish: Wish, found: list[tuple[str, Any, Any]]
) -> None:
    assert contradictions(wish, BEFORE) == found


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.1", "10.0.0.1")]
)
def test_clients_are_sent_to_an_address_that_can_be_dialled(address: str, host: str) -> None:
    options = settle(Wish(address=address), None, PORTS, PATHS)
    assert options.api_url == f"https://{host}:1"


@pytest.mark.parametrize(
    "wish",
    [
        Wish(domain="No Domain"),
        Wish(domain="a..b"),
        Wish(address="nowhere"),
        Wish(address="::1"),
        Wish(address="192.0.2.1"),  # a documentation address: no machine has it
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_written(wish: Wish, tmp_path: Path) -> None:
    with pytest.raises(Problem):
        prepare.prepare(wish, Paths(run=tmp_path / "run", data=tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


def test_a_private_directory_is_this_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hauberk" / "n"
    private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_a_private_directory_may_be_behind_the_users_own_link(tmp_path: Path) -> None:
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "hauberk").symlink_to(tmp_path / "big-disk")
    private(tmp_path / "hauberk" / "n")
    assert (tmp_path / "big-disk" / "n").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "hauberk"
    other.mkdir()
    os.chown(other, 12345, -1)
    with pytest.raises(Problem, match="cannot be used"):
        private(other / "n")
    assert not (other / "n" / "pki").exists()
