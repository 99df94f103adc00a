"""Starts one process in a pod: fork, namespaces, root, privileges, exec.

The caller gets a pid and a descriptor that says whether exec succeeded: end of file for yes, a line of JSON
(`reason`, `message`, `code`) for no. Words of the messages follow runc's, which kubelets show.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import termios
from collections.abc import Callable
from typing import Any

from hauberk.node.keeper import linux, rootfs
from hauberk.node.keeper.loop import reset_after_fork

Request = dict[str, Any]
NOT_FOUND, CANNOT_START = 127, 128
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_own_pid_namespace = -1


class Started:
    """What a start left in the parent's hands: the pid and its descriptors, all close-on-exec."""

    __slots__ = ("err", "fault", "out", "pid")

    def __init__(self, pid: int, out: int, err: int, fault: int) -> None:
        self.pid, self.out, self.err, self.fault = pid, out, err, fault


class Refused(Exception):
    """A start that failed for a reason the user can see in the pod's status."""

    def __init__(self, reason: str, message: str, code: int = CANNOT_START) -> None:
        super().__init__(message)
        self.reason, self.message, self.code = reason, message, code


def start(request: Request, netns: int) -> Started:
    """Start a container or (request kind `proxy`) a process that sees the host's files."""
    contained = request["kind"] == "container"

    def child() -> None:
        linux.setns(netns, linux.CLONE_NEWNET)
        if contained:
            _contain(request)
        else:
            linux.keep_capabilities(linux.PROXY_CAPABILITIES)
        _exec(request["argv"], request["env"])

    return _fork(child, pid_namespace=None if not contained else -1)


def execute(target: int, argv: list[str], env: dict[str, str], cwd: str, user: int | None) -> Started:
    """Start a command in the namespaces of the process `target`; its error output goes to `out`, too."""
    return _enter(target, argv, env, cwd, user, before=lambda: os.dup2(1, 2))


def stream(
    target: int,
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    user: int | None,
    fds: list[int],
    *,
    tty: bool,
) -> Started:
    """Start a command as `execute` does, on descriptors of the caller.

    `fds` are its input, output and error output, or (`tty`) one socket to which the command's terminal, made
    within the container, is sent.
    """

    def plain() -> None:
        for number, fd in enumerate(fds):
            os.dup2(fd, number)

    def terminal() -> None:
        master, slave = os.openpty()
        with socket.socket(fileno=os.dup(fds[0])) as asker:
            socket.send_fds(asker, [b"tty"], [master])
        for number in range(3):
            os.dup2(slave, number)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    if tty:
        return _enter(target, argv, {"TERM": "xterm", **env}, cwd, user, inside=terminal)
    return _enter(target, argv, env, cwd, user, before=plain)


def _nothing() -> None:
    pass


def _enter(
    target: int,
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    user: int | None,
    *,
    before: Callable[[], object] = _nothing,
    inside: Callable[[], object] = _nothing,
) -> Started:
    """Start a command in the namespaces of a process; `before` and `inside` prepare its descriptors."""
    kinds = (("net", linux.CLONE_NEWNET), ("uts", linux.CLONE_NEWUTS), ("ipc", linux.CLONE_NEWIPC))
    spaces = [(os.open(f"/proc/{target}/ns/{n}", os.O_RDONLY | os.O_CLOEXEC), flag) for n, flag in kinds]
    files = os.open(f"/proc/{target}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    users = os.open(f"/proc/{target}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    pids = os.open(f"/proc/{target}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def child() -> None:
        before()
        for fd, flag in spaces:
            linux.setns(fd, flag)
        linux.setns(files, linux.CLONE_NEWNS)
        inside()
        os.chdir(cwd or "/")
        linux.keep_capabilities(linux.CONTAINER_CAPABILITIES)
        linux.no_new_privileges()
        if user:
            linux.setns(users, linux.CLONE_NEWUSER)
        _exec(argv, env)

    try:
        return _fork(child, pid_namespace=pids)
    finally:
        for fd in (*(fd for fd, _ in spaces), files, users, pids):
            os.close(fd)


def run_in(netns: int | None, argv: list[str], text: str) -> Started:
    """Start a helper program of the host, such as nft, in a network namespace, with `text` as its input."""
    source = os.memfd_create("input", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(source), "wb") as file:
        file.write(text.encode())
    os.lseek(source, 0, os.SEEK_SET)

    def child() -> None:
        os.dup2(source, 0)
        os.dup2(1, 2)
        if netns is not None:
            linux.setns(netns, linux.CLONE_NEWNET)
        _exec(argv, dict(os.environ))

    try:
        return _fork(child, pid_namespace=None)
    finally:
        os.close(source)


def _fork(child: Any, *, pid_namespace: int | None) -> Started:
    """Fork; `pid_namespace` None: the keeper's, -1: a new one, else a descriptor of one."""
    fault, fault_in = os.pipe()
    out, out_in = os.pipe()
    err, err_in = os.pipe()
    _enlarge(fault_in)
    try:
        pid = _fork_into(pid_namespace)
        if pid == 0:
            _run_child(child, out_in, err_in, fault_in)
    except OSError:
        for fd in (fault, out, err):
            os.close(fd)
        raise
    finally:
        for fd in (fault_in, out_in, err_in):
            os.close(fd)
    return Started(pid, out, err, fault)


def _fork_into(pid_namespace: int | None) -> int:
    if pid_namespace is None:
        return os.fork()
    global _own_pid_namespace
    if _own_pid_namespace < 0:
        _own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    if pid_namespace == -1:
        linux.unshare(linux.CLONE_NEWPID)
    else:
        linux.setns(pid_namespace, linux.CLONE_NEWPID)
    try:
        return os.fork()
    finally:
        # only children are affected by the two calls above; in the child this fails, and does not matter
        try:
            linux.setns(_own_pid_namespace, linux.CLONE_NEWPID)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise


def _enlarge(fd: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)  # an error line; spares the user's pipe quota


def _run_child(child: Any, out: int, err: int, fault: int) -> None:
    try:
        reset_after_fork()
        os.setsid()
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        child()
    except Refused as no:
        _report(fault, no.reason, no.message, no.code)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _report(
            fault, "RunContainerError", f"failed to create container: {error.strerror}{where}", CANNOT_START
        )
    except BaseException as error:  # a forked child must never run on into the keeper's loop
        _report(fault, "RunContainerError", f"failed to create container: {error!r}", CANNOT_START)
    finally:
        os._exit(NOT_FOUND)


def _report(fd: int, reason: str, message: str, code: int) -> None:
    os.write(fd, json.dumps({"reason": reason, "message": message[:2000], "code": code}).encode())


def _contain(request: Request) -> None:
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC)
    linux.sethostname(request["hostname"])
    rootfs.enter(
        request["root"],
        request["scratch"],
        request["binds"],
        request["files"],
        read_only=request["read_only_root"],
    )
    cwd = request["cwd"] or "/"
    try:
        os.makedirs(cwd, 0o755, exist_ok=True)
        os.chdir(cwd)
    except OSError as error:
        raise Refused("RunContainerError", f'chdir to cwd ("{cwd}"): {error.strerror}') from error
    os.umask(0o022)
    linux.keep_capabilities(linux.CONTAINER_CAPABILITIES)
    linux.no_new_privileges()
    if request["user"]:
        # One id is all that an unprivileged user can map: give it the name that the pod asks for.
        linux.unshare(linux.CLONE_NEWUSER)
        linux.map_single_id(0, 0, request["user"], 0)


def _exec(argv: list[str], env: dict[str, str]) -> None:
    program = _find(argv[0], env.get("PATH", _DEFAULT_PATH))
    try:
        os.execve(program, argv, env)
    except OSError as error:
        message = f'exec: "{argv[0]}": {(error.strerror or "").lower()}'
        raise Refused("RunContainerError", message, CANNOT_START) from error


def _find(name: str, path: str) -> str:
    folders = [""] if "/" in name else [f"{folder or '.'}/" for folder in path.split(":")]
    candidates = [f"{folder}{name}" for folder in folders]
    for candidate in candidates:
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            raise Refused("RunContainerError", f'exec: "{name}": permission denied', CANNOT_START)
    missing = "no such file or directory" if "/" in name else "executable file not found in $PATH"
    raise Refused("RunContainerError", f'exec: "{name}": {missing}', NOT_FOUND)
