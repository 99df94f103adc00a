"""How to run a command inside the pod network: the nsenter command line. Works without root.

By hand: `nsenter -t $(jq .inside_pid RUN/keeper.json) -U -n -m --preserve-credentials COMMAND`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from hauberk.base.paths import Paths


def inside_pid(paths: Paths) -> int:
    """The pid, on the host, of the keeper's inside half. FileNotFoundError when no keeper runs."""
    return int(json.loads((paths.run / "keeper.json").read_text())["inside_pid"])


def argv(paths: Paths, uid: str | None, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` in the network of pod `uid`, or (None) in the pod network's root.

    The command sees the host's files as the keeper does. FileNotFoundError when no keeper runs.
    """
    netns = str(paths.pod(uid) / "netns") if uid else None
    own = os.stat(paths.run / "keeper.json").st_uid == os.geteuid()
    return command_line(inside_pid(paths), netns, command, own=own)


def command_line(pid: int, netns: str | None, command: Sequence[str], *, own: bool) -> list[str]:
    """Two steps, because the pod's namespace file exists only among the inside half's mounts. Pure.

    `own`: the cluster is the caller's. Root, visiting another user's cluster, becomes that user there.
    """
    identity = ["--preserve-credentials"] if own else ["-S", "0", "-G", "0"]
    enter = ["nsenter", "-t", str(pid), "-U", "-m", "-n", *identity, "--"]
    return [*enter, *(["nsenter", f"--net={netns}", "--"] if netns else []), *command]
