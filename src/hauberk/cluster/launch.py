"""Starting and stopping a cluster from the host.

`start` does nothing when the cluster runs. Everything a cluster is on the host hangs on one
process, the keeper: when it ends the kernel ends the rest. Of two that start the same cluster
at once, one waits for the other.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.base.progress import Quiet, Teller
from hauberk.cluster import client, find, processes
from hauberk.cluster.options import PROBLEM, Options, paths_of
from hauberk.cluster.prepare import Wish, contradictions, prepare, private
from hauberk.cluster.quiesce import quiesce

__all__ = ["GRACE_S", "Wish", "forget", "start", "stop", "wait_for_end"]

KEEPER_WITHIN_S = 20.0
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 25.0
GRACE_S = 30.0
"""How long requests in flight may take to end when a user stops the cluster."""
POLL_S = 0.01


def start(wish: Wish, *, tell: Teller | None = None) -> Options:
    """Bring the cluster up, or find that it is. Raises Problem when it cannot run here."""
    tell = tell or Quiet()
    paths = paths_of(wish.name, ephemeral=wish.ephemeral)
    with _alone(paths.run):
        if find.keeper_of(paths):
            return _join(wish, tell)
        try:
            return _start(wish, paths, tell)
        except OSError as error:
            stop(wish.name)
            raise _refused(error, paths) from error
        except BaseException:  # Ctrl-C too: half a cluster is worse than none
            stop(wish.name)
            raise


def _join(wish: Wish, tell: Teller) -> Options:
    """The running cluster, once it answers; its control plane may be starting again."""
    tell.start(f"cluster {wish.name} is already running")
    options = find.running(wish.name)
    others = contradictions(wish, options)
    if others:
        raise Problem(
            f"cluster `{wish.name}` runs with other options",
            wanted=", ".join(f"{field} {wanted}" for field, wanted, _ in others),
            found=", ".join(f"{field} {found}" for field, _, found in others),
            fix=f"hauberk down --name {wish.name}, then the same command again",
        )
    _wait_ready(options)
    tell.done()
    return options


def _start(wish: Wish, paths: Paths, tell: Teller) -> Options:
    began = time.monotonic()
    tell.start("this machine: namespaces, nftables, ports")
    _empty(paths.run)
    options = prepare(wish, paths)
    tell.done()
    tell.start("pod network and edge")
    _start_keeper(options)
    tell.done()
    tell.start("control plane")
    _wait_ready(options)
    tell.done()
    tell.start(f"cluster {wish.name} is up")
    tell.done(f"after {time.monotonic() - began:.2f} s")
    return options


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Nobody else starts this cluster meanwhile. The lock is on the run directory, which `stop` removes."""
    while True:
        private(run)
        descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not run.exists() or os.fstat(descriptor).st_ino != run.stat().st_ino:
                continue
            yield
            return
        finally:
            os.close(descriptor)


def _empty(run: Path) -> None:
    """Remove what a cluster left here that was killed; the data of an ephemeral one, too."""
    for entry in run.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def _refused(error: OSError, paths: Paths) -> Problem:
    return Problem(
        "the cluster's files cannot be written",
        wanted=f"to write {error.filename or paths.data}",
        found=str(error.strerror or error),
        fix="free space or correct the permissions, or set XDG_DATA_HOME to another directory",
        see=f"df -h {paths.data} {paths.run}",
    )


def _start_keeper(options: Options) -> None:
    """Start the keeper, detached, and wait for its word."""
    paths = options.paths
    result = paths.run / "result.json"
    result.unlink(missing_ok=True)
    log_path = paths.logs / "keeper.log"
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "hauberk.node.keeper", "--spec", str(paths.run / find.KEEPER_SPEC)],
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
    """Until the API answers through the edge as kubectl will ask it. Raises Problem when it never will."""
    (options.paths.run / PROBLEM).unlink(missing_ok=True)  # of an earlier try
    over: list[Problem] = []

    def settled() -> bool:
        problem = find.problem_of(options.paths)
        if problem is None and not find.keeper_of(options.paths):
            problem = _not_ready(options, "the keeper ended")
        over.extend([problem] if problem else [])
        return bool(over) or _api_answers(options)

    if not _wait(settled, READY_WITHIN_S):
        raise _not_ready(options, "silence")
    if over:
        raise over[0]


def _not_ready(options: Options, otherwise: str) -> Problem:
    logs = (options.paths.logs / "control-plane.log", options.paths.logs / "keeper.log")
    return Problem(
        "the control plane did not become ready",
        wanted=f"an answer at {options.api_url}/readyz within {READY_WITHIN_S:g} s",
        found=next(filter(None, map(_tail, logs)), otherwise),
        fix=f"hauberk down --name {options.name}; hauberk up --name {options.name}",
    )


def _api_answers(options: Options) -> bool:
    """Whether /readyz answers over the API socket, and over TLS at the edge."""
    if not client.is_ready(options.paths.api_socket):
        return False
    context = ssl.create_default_context(cafile=str(options.paths.run / "edge.ca"))
    connection = HTTPSConnection(options.host, options.api_port, context=context, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def stop(name: str, *, tell: Teller | None = None, grace_s: float = 0.0) -> bool:
    """Stop the cluster; False when it was not running. What a crash left in its run directory goes too.

    Requests from outside that are in flight have `grace_s` seconds to end.
    """
    paths = paths_of(name)
    found = find.keeper_of(paths)
    if found is None:
        _sweep(paths)
        return False
    tell = tell or Quiet()
    if grace_s > 0:
        quiesce(paths, grace_s, tell)
    tell.start(f"stopping cluster {name}")
    tree = [p for p in map(processes.find, processes.descendants(found.pid)) if p]
    os.kill(found.pid, signal.SIGTERM)
    if not processes.wait_gone([found], STOP_WITHIN_S):
        os.kill(found.pid, signal.SIGKILL)
    processes.wait_gone(tree, STOP_WITHIN_S)
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
    while keeper := find.keeper_of(options.paths):
        processes.wait_gone([keeper])


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
