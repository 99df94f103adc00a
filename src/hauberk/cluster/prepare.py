"""Before a start: what was asked for becomes settled options, and every file the processes read.

`contradictions` and `settle` are pure; `prepare` looks at the machine and writes. Nothing runs yet.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from hauberk.base.files import write_whole
from hauberk.base.names import is_dns_subdomain
from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cluster.find import KEEPER_SPEC
from hauberk.cluster.options import (
    DEFAULT_ADDRESS,
    DEFAULT_DOMAIN,
    DEFAULT_NAME,
    RECORD,
    Options,
    save,
    settled,
)
from hauberk.edge import ports
from hauberk.edge.ports import Ports

LEAST_FREE = 32 * 2**20  # bytes: the database, its write-ahead log and some logs
STOP_S = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for; None: whatever is usual, or what it was the last time."""

    name: str = DEFAULT_NAME
    domain: str | None = None
    strict: bool | None = None
    ephemeral: bool = False
    address: str | None = None  # never what it was the last time: beyond loopback only when told to
    api_port: int | None = None
    https_port: int | None = None
    http_port: int | None = None


def contradictions(wish: Wish, options: Options) -> list[tuple[str, Any, Any]]:
    """(option, wanted, found) of everything that was asked for and that a running cluster has otherwise."""
    fields = ("domain", "strict", "address", "api_port", "https_port", "http_port")
    asked = [(field, getattr(wish, field)) for field in fields]
    if wish.ephemeral:
        asked.append(("ephemeral", True))
    return [(f, value, getattr(options, f)) for f, value in asked if value not in (None, getattr(options, f))]


def settle(wish: Wish, before: Options | None, chosen: Ports, paths: Paths) -> Options:
    """The options of this start: what was asked for, else the last time's, else the usual."""
    domain, strict = (before.domain, before.strict) if before else (DEFAULT_DOMAIN, False)
    return Options(
        name=wish.name,
        domain=wish.domain or domain,
        strict=strict if wish.strict is None else wish.strict,
        ephemeral=wish.ephemeral,
        address=wish.address or DEFAULT_ADDRESS,
        api_port=chosen.api,
        https_port=chosen.https,
        http_port=chosen.http,
        run=str(paths.run),
        data=str(paths.data),
    )


def prepare(wish: Wish, paths: Paths) -> Options:
    """Check the machine, settle the options, write every file the processes read. Raises Problem."""
    from hauberk.node.keeper.preflight import preflight

    for problem in _judge_wish(wish) or preflight(str(paths.run)):
        raise problem
    private(paths.data)
    _check_room(paths)
    before = settled(paths)
    _check_domain(wish, before)
    chosen = ports.choose(
        address=wish.address or DEFAULT_ADDRESS,
        api=wish.api_port,
        https=wish.https_port,
        http=wish.http_port,
        before=(before.api_port, before.https_port, before.http_port) if before else None,
    )
    options = settle(wish, before, chosen, paths)
    private(paths.logs)
    _write_files(options, chosen)
    return options


def _judge_wish(wish: Wish) -> list[Problem]:
    """What was asked for and cannot be had, on any machine or on this one."""
    found = []
    if wish.domain and not is_dns_subdomain(wish.domain):
        found.append(
            Problem(
                f"`{wish.domain}` cannot be the domain of Routes",
                wanted="names of a-z, 0-9 and -, joined by dots",
                found=repr(wish.domain),
                fix=f"hauberk up --domain {DEFAULT_DOMAIN}",
            )
        )
    try:
        ports.any_free(str(IPv4Address(wish.address or DEFAULT_ADDRESS)))
    except (ValueError, OSError) as error:
        found.append(
            Problem(
                f"`{wish.address}` cannot be listened on",
                wanted="an IPv4 address of this machine, or 0.0.0.0 for all of them",
                found=str(error),
                fix=f"hauberk up --address {DEFAULT_ADDRESS}",
            )
        )
    return found


def _check_room(paths: Paths) -> None:
    """Before anything is written: a disk that fills up during the start leaves no word of why."""
    for folder in (paths.data, paths.run):
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            raise Problem(
                "the disk is full",
                wanted=f"at least {LEAST_FREE >> 20} MiB free in {folder}",
                found=f"{free >> 20} MiB",
                fix="free space, or set XDG_DATA_HOME to a directory on another disk",
                see=f"df -h {folder}",
            )


def _check_domain(wish: Wish, before: Options | None) -> None:
    """A cluster's apps domain is in its objects and certificates: as on OpenShift it stays what it was."""
    if before and wish.domain and wish.domain != before.domain:
        raise Problem(
            f"the domain of cluster `{wish.name}` cannot change",
            wanted=wish.domain,
            found=f"{before.domain}, in the state that it keeps",
            fix=f"hauberk down --name {wish.name} --purge, which forgets that state; or take another --name",
        )


def _write_files(options: Options, chosen: Ports) -> None:
    from hauberk.edge import bootstrap
    from hauberk.xds import binary

    paths = options.paths
    save(options, paths.run / RECORD)
    save(options, paths.data / RECORD)
    files = _credentials(options)
    config = bootstrap.edge(
        address=options.address,
        ports=chosen,
        paths=paths,
        certificate=files["crt"],
        key=files["key"],
        client_ca=files["ca"],
    )
    edge = paths.run / "edge.json"
    write_whole(edge, json.dumps(config).encode())
    spec = {
        "run": str(paths.run),
        "data": str(paths.data),
        "logs": str(paths.logs),
        "edge": [str(binary.envoy()), "-c", str(edge), *bootstrap.FLAGS],
        "control_plane": [sys.executable, "-m", "hauberk.app", str(paths.run / RECORD)],
        "result": str(paths.run / "result.json"),
        "stop_s": STOP_S,
    }
    write_whole(paths.run / KEEPER_SPEC, json.dumps(spec).encode())


def _credentials(options: Options) -> dict[str, Path]:
    """The edge's certificate and the administrator's kubeconfig, issued anew at each start."""
    from hauberk.cluster.kubeconfig import make_kubeconfig
    from hauberk.engine.clock import SystemClock
    from hauberk.pki.authority import Authority

    now = SystemClock().now()
    authority = Authority.open(options.paths.pki, now)
    serving = authority.serving_certificate(
        ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
        [options.address, DEFAULT_ADDRESS],
        now=now,
    )
    files = {name: options.paths.run / f"edge.{name}" for name in ("crt", "key", "ca")}
    write_whole(files["crt"], serving.chain)
    write_whole(files["key"], serving.key)
    write_whole(files["ca"], authority.cluster_roots)
    admin = authority.client_certificate("system:admin", ["system:masters"], now=now)
    write_whole(options.paths.kubeconfig, make_kubeconfig(options, authority.cluster_roots, admin).encode())
    return files


def private(folder: Path) -> None:
    """Make a directory that only this user may enter. Raises Problem when it is somebody else's."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        # In a shared temporary directory another user may have made ours first, or a link in its place.
        for part in (folder.parent, folder):
            if {part.lstat().st_uid, part.stat().st_uid} != {os.getuid()}:
                raise PermissionError(f"`{part}` belongs to another user")
        folder.chmod(0o700)
    except OSError as error:
        raise Problem(
            f"`{folder}` cannot be used",
            wanted="a directory of this user's own",
            found=str(error),
            fix="set XDG_DATA_HOME and XDG_RUNTIME_DIR to directories you may write",
        ) from error
