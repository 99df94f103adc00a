"""What `hauberk up` was asked for, as one record that every process of the cluster reads."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import msgspec

from hauberk.base.files import write_whole
from hauberk.base.paths import SOCKET_PATH, Paths
from hauberk.base.problems import Problem

DEFAULT_NAME = "hauberk"
DEFAULT_DOMAIN = "apps.openshift.example.com"
DEFAULT_ADDRESS = "127.0.0.1"
RECORD = "options.json"
PROBLEM = "problem.json"  # in the run directory: why the control plane cannot start
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The settled options of one cluster: ports are chosen, directories absolute."""

    name: str = DEFAULT_NAME
    domain: str = DEFAULT_DOMAIN
    strict: bool = False
    ephemeral: bool = False
    address: str = DEFAULT_ADDRESS
    api_port: int
    https_port: int
    http_port: int
    run: str
    data: str

    @property
    def paths(self) -> Paths:
        """The cluster's directories."""
        return Paths(run=Path(self.run), data=Path(self.data))

    @property
    def host(self) -> str:
        """Where a client on this machine connects: an edge that listens everywhere is met on loopback."""
        return DEFAULT_ADDRESS if self.address == "0.0.0.0" else self.address

    @property
    def api_url(self) -> str:
        """Where kubectl connects."""
        return f"https://{self.host}:{self.api_port}"


def load(file: Path) -> Options:
    """Read the record that `save` wrote. Raises Problem when it is not there or not readable."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Options)
    except (OSError, ValueError) as error:
        name = file.parent.name
        raise Problem(
            f"the record of cluster `{name}` cannot be read",
            wanted=f"what `hauberk up` wrote to {file}",
            found=str(error),
            fix=f"hauberk down --name {name}; hauberk up --name {name}",
        ) from error


def settled(paths: Paths) -> Options | None:
    """The record of a cluster's last start; None when there is none that can be read."""
    for file in (paths.run / RECORD, paths.data / RECORD):
        try:
            return load(file)
        except Problem:
            continue
    return None


def save(options: Options, file: Path) -> None:
    """Write the record, readable by its owner alone."""
    write_whole(file, msgspec.json.format(msgspec.json.encode(options)))


def check_name(name: str) -> str:
    """The name itself. Raises Problem when it cannot stand in paths and contexts."""
    if not _NAME.fullmatch(name):
        raise Problem(
            f"`{name}` cannot be a cluster's name",
            wanted="1 to 40 of a-z, 0-9 and -, not at the ends",
            found=repr(name),
            fix="hauberk up --name my-cluster",
        )
    return name


def run_root(environ: dict[str, str] | None = None) -> Path:
    """`$XDG_RUNTIME_DIR/hauberk`, or a directory of this user's in the system's temporary one.

    The path is short because a unix socket's path holds 107 bytes.
    """
    env = os.environ if environ is None else environ
    base = env.get("XDG_RUNTIME_DIR")
    if base and len(base) <= 40 and os.access(base, os.W_OK):
        return Path(base) / "hauberk"
    return Path(tempfile.gettempdir()) / f"hauberk-{os.getuid()}"


def data_root(environ: dict[str, str] | None = None) -> Path:
    """`$XDG_DATA_HOME/hauberk`, by default `~/.local/share/hauberk`."""
    env = os.environ if environ is None else environ
    base = env.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "hauberk"


def paths_of(name: str, *, ephemeral: bool = False) -> Paths:
    """The directories of a cluster by name. Raises Problem when its sockets would have paths too long."""
    run = run_root() / check_name(name)
    paths = Paths(run=run, data=run / "data" if ephemeral else data_root() / name)
    over = len(str(paths.longest_socket)) - SOCKET_PATH
    if over > 0:
        raise Problem(
            f"`{name}` is too long for a cluster's name on this machine",
            wanted=f"at most {max(len(name) - over, 0)} letters: a socket's path has {SOCKET_PATH} bytes",
            found=f"{len(name)} letters below {run.parent}",
            fix="a shorter name, or a shorter XDG_RUNTIME_DIR",
        )
    return paths
