"""The images of this machine: resolve a reference, add an app directory, load an archive, pull, list, remove.

The index is one JSON file, replaced by rename, so a reader always sees a whole one. Blobs of archives stay
in an OCI layout, unpacked root file systems beside it, one per digest.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hauberk.base.files import write_whole
from hauberk.base.paths import Paths
from hauberk.node.images import table
from hauberk.node.images.model import ImageProblem, Mount, ResolvedImage
from hauberk.node.images.reference import Reference, parse_reference

Index = dict[str, dict[str, Any]]
_PROCFILE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")
_APP = "/app"
_PATH = "/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `hauberk image ls`. `source` is a directory, a file or a registry."""

    reference: str
    kind: str
    digest: str
    source: str


def resolve(reference: str, paths: Paths) -> ResolvedImage:
    """The image behind a reference, by tag or by digest.

    Raises ImageProblem: `InvalidImageName`, or `ErrImagePull` for one that is not here.
    """
    name = parse_reference(reference)
    if name.host == table.REGISTRY:
        image = table.builtin(name.path, reference)
        if image is not None and name.digest in ("", image.digest):
            return image
    row = find(read_index(paths), name)
    if row is not None:
        return _resolved(reference, row)
    raise ImageProblem("ErrImagePull", _missing(name, reference))


def find(index: Mapping[str, Mapping[str, Any]], name: Reference) -> Mapping[str, Any] | None:
    """The row for a reference. With a digest, any tag of that repository will do."""
    if not name.digest:
        return index.get(str(name))
    for key, row in index.items():
        if row["digest"] == name.digest and parse_reference(key).repository == name.repository:
            return row
    return None


def _missing(name: Reference, reference: str) -> str:
    if name.host == table.REGISTRY:
        have = ", ".join(table.NAMES)
        return f"{reference}: not one of the built-in images: {have}"
    return (
        f'failed to pull image "{reference}": it is not on this machine. Add it: '
        f"`hauberk image add {reference} DIR` (a directory with a Procfile), `hauberk image load FILE` "
        f"(an OCI or docker archive) or `hauberk image pull {reference}`"
    )


def _resolved(reference: str, row: Mapping[str, Any]) -> ResolvedImage:
    if row["kind"] == "procfile":
        folder = Path(row["source"])
        try:
            processes = parse_procfile((folder / "Procfile").read_text())
        except (OSError, ValueError) as error:
            raise ImageProblem("ErrImagePull", f'failed to pull image "{reference}": {error}') from error
        interpreter, binds = table.python()
        return ResolvedImage(
            reference,
            "procfile",
            row["digest"],
            entrypoint=("/bin/sh", "-c", entry_script(processes), "launcher"),
            env={"PATH": f"{_PATH}:{os.path.dirname(interpreter)}"},
            workdir=_APP,
            binds=(Mount(str(folder), _APP, read_only=True), *binds),
        )
    return ResolvedImage(
        reference,
        "oci",
        row["digest"],
        entrypoint=tuple(row["entrypoint"]),
        cmd=tuple(row["cmd"]),
        env=row["env"],
        workdir=row["workdir"],
        user=row["user"],
        root=row["root"],
    )


def parse_procfile(text: str) -> dict[str, str]:
    """The processes of a Procfile by name. ValueError without one."""
    found = {m[1]: m[2].strip() for line in text.splitlines() if (m := _PROCFILE.match(line))}
    if not found:
        raise ValueError("the Procfile names no process: it needs a line like `web: python app.py`")
    return found


def entry_script(processes: Mapping[str, str]) -> str:
    """A shell script: runs the process named by the first argument; without arguments `web` or the only one.

    Source: buildpacks lifecycle launch: the default process, or the one that the first argument names;
    anything else is run as a command.
    """
    default = "web" if "web" in processes else next(iter(processes))
    cases = "".join(f"  {name}) shift; {_line(command)} ;;\n" for name, command in processes.items())
    return f'case "${{1:-{default}}}" in\n{cases}  *) exec "$@" ;;\nesac\n'.replace(
        "shift; ", '[ "$#" -gt 0 ] && shift; '
    )


def _line(command: str) -> str:
    simple = not set(command) & set(";|&<>()`\n")
    return f"exec {command}" if simple else f"exec /bin/sh -c {shlex.quote(command)}"


def add(reference: str, directory: Path, paths: Paths) -> Row:
    """Register an app directory with a Procfile under a name. ValueError says what is wrong with it.

    The directory is used where it is: edit, and the next pod runs the new code; `add` again for a new digest.
    """
    name = parse_reference(reference)
    folder = directory.resolve()
    procfile = folder / "Procfile"
    if not procfile.is_file():
        raise ValueError(f"no Procfile in {folder}")
    parse_procfile(procfile.read_text())
    row = {"kind": "procfile", "digest": tree_digest(folder), "source": str(folder)}
    put(name, row, paths)
    return Row(str(name), row["kind"], row["digest"], row["source"])


def ls(paths: Paths) -> list[Row]:
    """Built-in images, those whose programs are on this machine, and those of the index."""
    rows = []
    for name in table.NAMES:
        with contextlib.suppress(ImageProblem):  # Kafka without Java: a pod that wants it is told
            image = table.builtin(name, f"{table.REGISTRY}/{name}")
            assert image is not None, "every built-in name is known"
            rows.append(Row(image.reference, image.kind, image.digest, "hauberk"))
    rows += [Row(k, r["kind"], r["digest"], r["source"]) for k, r in sorted(read_index(paths).items())]
    return rows


def rm(reference: str, paths: Paths) -> bool:
    """Forget an image and delete its unpacked files; False when there was none.

    With the last tag of a repository, what its tags meant before goes too.
    """
    name = parse_reference(reference)
    with _changing(paths) as index:
        row = index.pop(str(name), None)
        if row is None:
            return False
        gone = [row]
        same = [key for key in index if parse_reference(key).repository == name.repository]
        if all("@" in key for key in same):
            gone += [index.pop(key) for key in same]
        used = {other["digest"] for other in index.values()}
    for old in gone:
        if old["kind"] == "oci" and old["digest"] not in used:
            shutil.rmtree(Path(old["root"]).parent, ignore_errors=True)
    return True


def put(reference: Reference, row: dict[str, Any], paths: Paths) -> None:
    """Write one row of the index. What the tag meant before can still be had by its digest."""
    with _changing(paths) as index:
        before = index.get(str(reference))
        if before is not None and before["digest"] != row["digest"]:
            index[f"{reference.repository}@{before['digest']}"] = before
        index[str(reference)] = row


def read_index(paths: Paths) -> Index:
    """The index; empty when there is none."""
    try:
        found: Index = json.loads((paths.images / "index.json").read_text())
    except FileNotFoundError:
        return {}
    return found


@contextmanager
def _changing(paths: Paths) -> Iterator[Index]:
    paths.images.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (paths.images / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        index = read_index(paths)
        yield index
        write_whole(paths.images / "index.json", json.dumps(index, indent=1, sort_keys=True).encode())


def tree_digest(folder: Path) -> str:
    """A digest of a directory's files: names, modes, contents. Version control's own files do not count."""
    total = hashlib.sha256()
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(d for d in folders if d not in (".git", ".hg", "__pycache__"))
        for file in sorted(files):
            path = Path(root) / file
            total.update(f"{path.relative_to(folder)}\0".encode())
            if path.is_symlink():
                total.update(os.readlink(path).encode())
            elif path.is_file():
                total.update(b"x" if os.access(path, os.X_OK) else b"-")
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{total.hexdigest()}"
