"""Puts the files of volumes on disk, so that a reader sees either all of the old content or all of the new.

Files live in a dated directory, `..data` is a symbolic link to it that is replaced by rename, and each
visible name is a link through `..data`. Source: kubernetes pkg/volume/util/atomic_writer.go. Everything
is below the pod's own directory, which is 0700.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .fields import ConfigError
from .volumes import Empty, Files, Host, Kept, Payload

DATA = "..data"


def write_volume(root: Path, payload: Files, stamp: str) -> bool:
    """Bring the directory to this content; whether anything changed. `stamp` names the new generation."""
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    if _holds(root, payload):
        return False
    fresh = root / f"..{stamp}"
    suffix = 0
    while fresh.exists():
        suffix += 1
        fresh = root / f"..{stamp}.{suffix}"
    for path, file in payload.files.items():
        target = fresh / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        # Created without access for others, so that no moment shows the content with a wider mode.
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(file.data)
        target.chmod(file.mode)
    fresh.mkdir(mode=0o755, exist_ok=True)
    old = (root / DATA).resolve() if (root / DATA).exists() else None
    swap = root / "..data_tmp"
    swap.unlink(missing_ok=True)
    swap.symlink_to(fresh.name)
    swap.replace(root / DATA)
    _link_names(root, payload)
    if old is not None and old.parent == root.resolve():
        shutil.rmtree(old, ignore_errors=True)
    return True


def _holds(root: Path, payload: Files) -> bool:
    data = root / DATA
    if not data.exists():
        return False
    have = {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()}
    if have != set(payload.files):
        return False
    return all((data / path).read_bytes() == file.data for path, file in payload.files.items())


def _link_names(root: Path, payload: Files) -> None:
    """One link per first path component; links whose file is gone are removed."""
    wanted = {path.split("/", 1)[0] for path in payload.files}
    for name in wanted:
        link = root / name
        if not link.is_symlink():
            link.symlink_to(Path(DATA) / name)
    for entry in root.iterdir():
        if not entry.name.startswith("..") and entry.is_symlink() and entry.name not in wanted:
            entry.unlink()


def provide(root: Path, payload: Payload, stamp: str) -> Path:
    """Make a volume available; returns the path to mount. Raises ConfigError when the machine refuses.

    Deviation: an emptyDir with medium Memory is a directory of the run directory, which is tmpfs where the
    system's runtime directory is.
    """
    match payload:
        case Files():
            write_volume(root, payload, stamp)
            return root
        case Host():
            return _host_path(Path(payload.path), payload.type)
        case Kept():
            kept = Path(payload.path)
            if not kept.exists():
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                kept.mkdir()
                kept.chmod(0o777)
            return kept
        case Empty():
            root.mkdir(mode=0o777, parents=True, exist_ok=True)
            root.chmod(0o777)
            return root


def _host_path(path: Path, kind: str) -> Path:
    """Source: kubernetes pkg/volume/hostpath/host_path.go, checkType."""
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(mode=0o644)
    elif kind == "Directory" and not path.is_dir():
        raise ConfigError(f"hostPath type check failed: {path} is not a directory")
    elif kind == "File" and not path.is_file():
        raise ConfigError(f"hostPath type check failed: {path} is not a file")
    if not path.exists():
        raise ConfigError(f"hostPath does not exist: {path}")
    return path
