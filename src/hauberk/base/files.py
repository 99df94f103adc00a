"""Files that only their owner reads, and that nobody ever reads by half."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a 0600 file that appears whole or not at all, its directory made 0700 when missing.

    Raises OSError. `durable` also survives a loss of power; it waits for the disk.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # of a writer that was killed
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        if durable:
            os.fsync(out.fileno())
    temporary.rename(path)
