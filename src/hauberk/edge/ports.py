"""Which ports the host's edge listens on.

| door  | asked for        | otherwise the first free of                 |
|-------|------------------|---------------------------------------------|
| api   | that or Problem  | last time's, 6443, any                      |
| https | that or Problem  | last time's, 443, 8443, any                 |
| http  | that or Problem  | last time's, 80, 8080, any                  |
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from hauberk.base.problems import Problem

State: TypeAlias = Literal["free", "taken", "forbidden"]
Probe: TypeAlias = Callable[[int], State]
_USUAL = {"api": (6443,), "https": (443, 8443), "http": (80, 8080)}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the edge listens."""

    api: int
    https: int
    http: int


def decide(
    asked: dict[str, int | None], before: Ports | None, probe: Probe, spare: Iterable[int]
) -> Ports | tuple[str, int, State]:
    """The ports, or the door and port that was asked for and cannot be had. `spare` are free ports."""
    rest = iter(spare)
    chosen: dict[str, int] = {}
    for door in sorted(_USUAL, key=lambda d: asked.get(d) is None):  # what was asked for comes first
        wish = asked.get(door)
        if wish:
            state: State = "taken" if wish in chosen.values() else probe(wish)
            if state != "free":
                return door, wish, state
            chosen[door] = wish
            continue
        usual = ([getattr(before, door)] if before else []) + list(_USUAL[door])
        free = (p for p in usual if p not in chosen.values() and probe(p) == "free")
        chosen[door] = next(free, 0) or next(p for p in rest if p not in chosen.values())
    return Ports(**chosen)


def choose(
    *,
    address: str,
    api: int | None = None,
    https: int | None = None,
    http: int | None = None,
    before: tuple[int, int, int] | None = None,
) -> Ports:
    """Look at the machine and decide. Raises Problem when a port that was asked for cannot be had."""
    found = decide(
        {"api": api, "https": https, "http": http},
        Ports(*before) if before else None,
        lambda port: probe(address, port),
        (any_free(address) for _ in range(100)),
    )
    if isinstance(found, Ports):
        return found
    raise _problem(address, *found)


def _problem(address: str, door: str, port: int, state: State) -> Problem:
    if state == "forbidden":
        seen = f"the kernel does not let this user bind port {port}"
        fix = f"sysctl -w net.ipv4.ip_unprivileged_port_start={port} (as root), or leave out `--{door}-port`"
    else:
        holder = holder_of(port)
        seen = f"{address}:{port} is taken by {holder}" if holder else f"{address}:{port} is taken"
        fix = f"stop it, or leave out `--{door}-port` to have a free port chosen"
    return Problem(
        f"port {port} cannot be used",
        wanted=f"{address}:{port} for the {door} door, as asked for",
        found=seen,
        fix=fix,
    )


def probe(address: str, port: int) -> State:
    """Whether a listener could be opened there now."""
    with socket.socket(_family(address), socket.SOCK_STREAM) as door:
        # As Envoy does it, so that a connection in TIME_WAIT does not count as taken.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((address, port))
            door.listen(1)
        except PermissionError:
            return "forbidden"
        except OSError:
            return "taken"
    return "free"


def any_free(address: str) -> int:
    """A free port that the kernel picks."""
    with socket.socket(_family(address), socket.SOCK_STREAM) as door:
        door.bind((address, 0))
        return int(door.getsockname()[1])


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def holder_of(port: int, proc: Path = Path("/proc")) -> str:
    """`PROGRAM (pid N)` of the listener on a TCP port, as far as this user may see; empty otherwise."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port, proc)}
    if not inodes:
        return ""
    for process in proc.iterdir():
        if process.name.isdigit() and inodes & set(_open_files(process)):
            try:
                return f"`{(process / 'comm').read_text().strip()}` (pid {process.name})"
            except OSError:
                continue
    return ""


def _listening(port: int, proc: Path) -> Iterable[str]:
    """Inodes of sockets that listen on the port (state 0A in /proc/net/tcp)."""
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            row = line.split()
            if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port:
                yield row[9]


def _open_files(process: Path) -> Iterable[str]:
    try:
        for entry in (process / "fd").iterdir():
            yield os.readlink(entry)
    except OSError:
        return
