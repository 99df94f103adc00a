"""Whether this machine lets a user have a pod network, and what to do when it does not.

`gather` tries; `judge` is pure and has a row for each thing that can be missing.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from hauberk.base.problems import Problem
from hauberk.node.keeper import linux

_SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")
_SETTINGS = {
    "max_user_namespaces": "/proc/sys/user/max_user_namespaces",
    "max_net_namespaces": "/proc/sys/user/max_net_namespaces",
    "userns_clone": "/proc/sys/kernel/unprivileged_userns_clone",
    "apparmor": "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
}


class Facts(NamedTuple):
    """What was found. `namespaces` is the failed step's message or empty, like absent settings."""

    nft: str = ""
    namespaces: str = ""
    max_user_namespaces: str = ""
    max_net_namespaces: str = ""
    userns_clone: str = ""
    apparmor: str = ""
    run: str = ""
    run_error: str = ""


def which(program: str) -> str:
    """The program's path, looked for in PATH and the system folders that users' PATHs leave out; or empty."""
    for folder in (*os.environ.get("PATH", "").split(":"), *_SBIN):
        path = f"{folder}/{program}"
        if folder and os.access(path, os.X_OK):
            return path
    return ""


def judge(facts: Facts) -> list[Problem]:
    """The problems, most basic first."""
    found = []
    if facts.namespaces:
        found.append(_namespace_problem(facts))
    if not facts.nft:
        found.append(
            Problem(
                "The pod network needs nftables",
                wanted="the program `nft`",
                found=f"no `nft` in PATH or {', '.join(_SBIN)}",
                fix="sudo apt-get install -y nftables   # or: sudo dnf install -y nftables",
            )
        )
    if facts.run_error:
        found.append(
            Problem(
                "The run directory cannot be used",
                wanted=f"a directory of your own, writable: {facts.run}",
                found=facts.run_error,
                fix="export XDG_RUNTIME_DIR=$(mktemp -d)",
            )
        )
    return found


def _namespace_problem(facts: Facts) -> Problem:
    what, wanted = "This machine forbids user namespaces", "unprivileged user namespaces"
    rows = (
        (facts.max_user_namespaces == "0", "user.max_user_namespaces = 0", "user.max_user_namespaces=15000"),
        (facts.max_net_namespaces == "0", "user.max_net_namespaces = 0", "user.max_net_namespaces=15000"),
        (
            facts.userns_clone == "0",
            "kernel.unprivileged_userns_clone = 0",
            "kernel.unprivileged_userns_clone=1",
        ),
        (
            facts.apparmor == "1",
            "kernel.apparmor_restrict_unprivileged_userns = 1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    )
    for applies, found, setting in rows:
        if applies:
            return Problem(what, wanted=wanted, found=found, fix=f"sudo sysctl -w {setting}")
    return Problem(
        what,
        wanted=wanted,
        found=facts.namespaces,
        fix="run on the machine itself, or in a container started with `--security-opt seccomp=unconfined "
        "--security-opt systempaths=unconfined`",
    )


def gather(run: str) -> Facts:
    """Look at the machine; tries the namespaces in a child that ends at once."""
    settings = {name: _setting(path) for name, path in _SETTINGS.items()}
    return Facts(nft=which("nft"), namespaces=_try_namespaces(), run=run, run_error=_try_run(run), **settings)


def preflight(run: str) -> list[Problem]:
    """What keeps the embedded cluster from starting here; empty when nothing does."""
    return judge(gather(run))


def _setting(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def _try_run(run: str) -> str:
    try:
        os.makedirs(run, 0o700, exist_ok=True)
        if os.stat(run).st_uid != os.geteuid():
            return "it belongs to another user"
        os.chmod(run, 0o700)
        probe = f"{run}/.writable"
        linux.write_file(probe, "1")
        os.unlink(probe)
    except OSError as error:
        return str(error)
    if len(os.fsencode(run)) > 60:
        return f"its path is too long for unix sockets: {len(os.fsencode(run))} bytes, at most 60"
    return ""


def _try_namespaces() -> str:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            enter_namespaces()
            if os.fork() == 0:
                linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
                linux.mount("proc", "/proc", "proc")
                os._exit(0)
            if os.wait()[1]:
                os.write(writer, b"/proc cannot be mounted in a new pid namespace")
        except OSError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    os.waitpid(pid, 0)
    return said


def enter_namespaces() -> None:
    """Leave all of the host's namespaces (for pids: the children do); become root in the new ones."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    linux.map_single_id(uid, gid)
    linux.unshare(
        linux.CLONE_NEWNET | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC
    )
