"""Starting and stopping a cluster from the host.

`start` does nothing when the cluster runs. Everything a cluster is on the host hangs on one
process, the keeper: when it ends the kernel ends the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Protocol

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cluster import client, find, processes
from hauberk.cluster.options import DEFAULT_DOMAIN, DEFAULT_NAME, Options, load, paths_of, save

KEEPER_WITHIN_S = 20.0
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 25.0
POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for; None: whatever is usual, or what it was the last time."""

    name: str = DEFAULT_NAME
    domain: str | None = None
    strict: bool = False
    ephemeral: bool = False
    address: str = "127.0.0.1"
    api_port: int | None = None
    https_port: int | None = None
    http_port: int | None = None


class Teller(Protocol):
    """Who shows the progress."""

    def start(self, what: str) -> None:
        """A step begins."""

    def done(self, detail: str = "") -> None:
        """It is done."""


class _Silent:
    def start(self, what: str) -> None: ...

    def done(self, detail: str = "") -> None: ...


def start(wish: Wish, *, tell: Teller | None = None) -> Options:
    """Bring the cluster up, or find that it is. Raises Problem when it cannot run here."""
    tell = tell or _Silent()
    paths = paths_of(wish.name, ephemeral=wish.ephemeral)
    if find.keeper_of(paths):
        tell.start(f"cluster {wish.name} is already running")
        options = load(paths.run / "options.json")
        _wait_ready(options)
        tell.done()
        return options
    began = time.monotonic()
    tell.start("this machine: namespaces, nftables, ports")
    options = _prepare(wish, paths)
    tell.done()
    try:
        tell.start("pod network and edge")
        _start_keeper(options)
        tell.done()
        tell.start("control plane")
        _wait_ready(options)
        tell.done()
    except BaseException:  # Ctrl-C too: half a cluster is worse than none
        stop(wish.name)
        raise
    tell.start(f"cluster {wish.name} is up")
    tell.done(f"after {time.monotonic() - began:.2f} s")
    return options


def _prepare(wish: Wish, paths: Paths) -> Options:
    """Check the machine, settle the options, write every file the processes read."""
    from hauberk.edge import bootstrap, ports
    from hauberk.node.keeper.preflight import preflight
    from hauberk.xds import binary

    _private(paths.run)
    for problem in preflight(str(paths.run)):
        raise problem
    _private(paths.data)
    before = _remembered(paths)
    chosen = ports.choose(
        address=wish.address,
        api=wish.api_port,
        https=wish.https_port,
        http=wish.http_port,
        before=(before.api_port, before.https_port, before.http_port) if before else None,
    )
    options = Options(
        name=wish.name,
        domain=wish.domain or (before.domain if before else DEFAULT_DOMAIN),
        strict=wish.strict,
        ephemeral=wish.ephemeral,
        address=wish.address,
        api_port=chosen.api,
        https_port=chosen.https,
        http_port=chosen.http,
        run=str(paths.run),
        data=str(paths.data),
    )
    save(options, paths.run / "options.json")
    save(options, paths.data / "options.json")
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
    _write_private(edge, json.dumps(config).encode())
    spec = {
        "run": str(paths.run),
        "data": str(paths.data),
        "logs": str(paths.logs),
        "edge": [str(binary.envoy()), "-c", str(edge), *bootstrap.FLAGS],
        "control_plane": [sys.executable, "-m", "hauberk.app", str(paths.run / "options.json")],
        "result": str(paths.run / "result.json"),
        "stop_s": 15,
    }
    _write_private(paths.run / "keeper-spec.json", json.dumps(spec).encode())
    return options


def _credentials(options: Options) -> dict[str, Path]:
    """The edge's certificate and the administrator's kubeconfig, issued anew at each start."""
    from hauberk.cluster.kubeconfig import make_kubeconfig
    from hauberk.engine.clock import SystemClock
    from hauberk.pki.authority import Authority

    now = SystemClock().now()
    authority = Authority.open(options.paths.pki, now)
    serving = authority.serving_certificate(
        ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
        [options.address, "127.0.0.1"],
        now=now,
    )
    files = {name: options.paths.run / f"edge.{name}" for name in ("crt", "key", "ca")}
    _write_private(files["crt"], serving.chain)
    _write_private(files["key"], serving.key)
    _write_private(files["ca"], authority.cluster_roots)
    admin = authority.client_certificate("system:admin", ["system:masters"], now=now)
    _write_private(
        options.paths.kubeconfig, make_kubeconfig(options, authority.cluster_roots, admin).encode()
    )
    return files


def _start_keeper(options: Options) -> None:
    """Start the keeper, detached, and wait for its word."""
    paths = options.paths
    _private(paths.logs)
    result = paths.run / "result.json"
    result.unlink(missing_ok=True)
    log_path = paths.logs / "keeper.log"
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "hauberk.node.keeper", "--spec", str(paths.run / "keeper-spec.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    _wait(lambda: result.exists() or keeper.poll() is not None, KEEPER_WITHIN_S)
    said = json.loads(result.read_text()) if result.exists() else {}
    if "problem" in said:
        raise Problem(**said["problem"])
    if "ok" not in said:
        raise Problem(
            "the pod network did not start",
            wanted="the keeper's word that it serves",
            found=_tail(log_path) or f"nothing after {KEEPER_WITHIN_S:g} s",
            fix=f"hauberk down --name {options.name}; hauberk up --name {options.name}",
        )


def _wait_ready(options: Options) -> None:
    """Until the API answers through the edge as kubectl will ask it."""
    if _wait(lambda: _api_answers(options), READY_WITHIN_S):
        return
    running = find.is_running(options.name)
    raise Problem(
        "the control plane did not become ready",
        wanted=f"an answer at {options.api_url}/readyz within {READY_WITHIN_S:g} s",
        found=_tail(options.paths.logs / "control-plane.log")
        or ("silence" if running else "the keeper ended"),
        fix=f"hauberk down --name {options.name}; hauberk up --name {options.name}",
    )


def _api_answers(options: Options) -> bool:
    """Whether /readyz answers over the API socket, and over TLS at the edge."""
    if not client.is_ready(options.paths.api_socket):
        return False
    context = ssl.create_default_context(cafile=str(options.paths.run / "edge.ca"))
    connection = HTTPSConnection(options.address, options.api_port, context=context, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def stop(name: str, *, tell: Teller | None = None) -> bool:
    """Stop the cluster; False when it was not running. What a crash left in its run directory goes too."""
    paths = paths_of(name)
    found = find.keeper_of(paths)
    if found is None:
        _sweep(paths)
        return False
    tell = tell or _Silent()
    tell.start(f"stopping cluster {name}")
    tree = [p for p in map(processes.find, processes.descendants(found.pid)) if p]
    os.kill(found.pid, signal.SIGTERM)
    if not _wait(lambda: not processes.is_alive(found), STOP_WITHIN_S):
        os.kill(found.pid, signal.SIGKILL)
    _wait(lambda: not any(map(processes.is_alive, tree)), STOP_WITHIN_S)
    _sweep(paths)
    tell.done()
    return True


def _sweep(paths: Paths) -> None:
    """Remove the run directory; the data of an ephemeral cluster lies in it."""
    shutil.rmtree(paths.run, ignore_errors=True)


def forget(name: str) -> None:
    """Remove the stored state of a cluster that does not run."""
    shutil.rmtree(paths_of(name).data, ignore_errors=True)


def wait_for_end(options: Options) -> None:
    """Block until the cluster ends or the user presses Ctrl-C."""
    while find.is_running(options.name):
        time.sleep(0.5)


def _remembered(paths: Paths) -> Options | None:
    try:
        return load(paths.data / "options.json")
    except (OSError, ValueError):
        return None


def _private(folder: Path) -> None:
    """Make a directory that only this user may enter. Raises Problem when it is somebody else's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a shared temporary directory another user may have made ours first.
        for part in (folder.parent, folder):
            if part.is_symlink() or part.stat().st_uid != os.getuid():
                raise PermissionError(f"`{part}` belongs to another user")
        folder.chmod(0o700)
    except OSError as error:
        raise Problem(
            f"`{folder}` cannot be used",
            wanted="a directory of this user's own",
            found=str(error),
            fix="set XDG_DATA_HOME and XDG_RUNTIME_DIR to directories you may write",
        ) from error


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)


def _wait(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _tail(path: Path, lines: int = 5) -> str:
    try:
        return "\n          ".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
