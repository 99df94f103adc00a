"""Archives and registries: skopeo copies into an OCI layout, umoci unpacks. Both work without root."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hauberk.base.names import short_hash
from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.node.images.model import ImageProblem
from hauberk.node.images.reference import Reference, parse_reference
from hauberk.node.images.store import Row, put

_TIMEOUT_S = 600


def load(file: Path, paths: Paths, *, name: str = "") -> Row:
    """Load an oci-archive or docker-archive under its own name or `name`. Problem when that cannot be."""
    kind, known = inspect_archive(file)
    chosen = name or known
    if not chosen:
        raise Problem(
            "The archive has no image name",
            wanted="a tagged image",
            found=str(file),
            fix=f"hauberk image load {file} --as registry.example.com/app:v1",
        )
    return _take(f"{kind}:{file}", parse_reference(chosen), str(file), paths)


def pull(reference: str, paths: Paths) -> Row:
    """Pull an image with skopeo, with the caller's credentials. Raises ImageProblem `ErrImagePull`."""
    parsed = parse_reference(reference)
    try:
        return _take(f"docker://{parsed}", parsed, parsed.host, paths)
    except Problem as error:
        raise ImageProblem("ErrImagePull", f'failed to pull image "{reference}": {error.found}') from error


def inspect_archive(file: Path) -> tuple[str, str]:
    """(`oci-archive` or `docker-archive`, the image's name or empty). Problem when it is neither."""
    try:
        with tarfile.open(file) as tar:
            names = {n.removeprefix("./"): n for n in tar.getnames()}
            for index, kind in (("manifest.json", "docker-archive"), ("index.json", "oci-archive")):
                if index in names and (kind != "docker-archive" or "oci-layout" not in names):
                    member = tar.extractfile(names[index])
                    assert member is not None, "an index is a file"
                    return kind, name_in(kind, json.load(member))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise _unreadable(file, str(error)) from error
    raise _unreadable(file, "neither index.json nor manifest.json inside")


def _unreadable(file: Path, found: str) -> Problem:
    return Problem(
        "The file is not an image archive",
        wanted="an oci-archive or docker-archive",
        found=f"{file}: {found}",
        fix="skopeo copy docker://IMAGE oci-archive:FILE:NAME",
    )


def name_in(kind: str, index: Any) -> str:
    """The name that an archive's own index gives its (first) image, or empty. Pure."""
    if kind == "docker-archive":
        return str(next(iter(index[0].get("RepoTags") or ()), "")) if index else ""
    notes: Mapping[str, str] = next((m.get("annotations") or {} for m in index.get("manifests") or ()), {})
    return notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name") or ""


def _take(source: str, reference: Reference, shown: str, paths: Paths) -> Row:
    for program in ("skopeo", "umoci"):
        if shutil.which(program) is None:
            raise Problem(
                "Container images need skopeo and umoci",
                wanted=program,
                found="not installed",
                fix="sudo apt-get install -y skopeo umoci",
            )
    layout = paths.images / "oci"
    paths.images.mkdir(mode=0o700, parents=True, exist_ok=True)
    tag = short_hash(str(reference), 16)
    _run(["skopeo", "copy", "--quiet", "--insecure-policy", source, f"oci:{layout}:{tag}"])
    manifest, digest = _manifest(layout, tag)
    config = json.loads(_blob(layout, manifest["config"]["digest"]).read_text())
    bundle = paths.images / "unpacked" / digest.removeprefix("sha256:")
    if not bundle.is_dir():
        new = bundle.with_name(f"{bundle.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.parent.mkdir(mode=0o700, exist_ok=True)
        _run(["umoci", "unpack", "--rootless", "--image", f"{layout}:{tag}", str(new)])
        new.rename(bundle)
    row = {
        "kind": "oci",
        "digest": digest,
        "source": shown,
        "root": str(bundle / "rootfs"),
        **settings(config, bundle / "rootfs"),
    }
    put(reference, row, paths)
    return Row(str(reference), "oci", digest, shown)


def settings(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """What an OCI image configuration says about running it."""
    run = config.get("config") or {}
    return {
        "entrypoint": run.get("Entrypoint") or [],
        "cmd": run.get("Cmd") or [],
        "env": dict(item.partition("=")[::2] for item in run.get("Env") or ()),
        "workdir": run.get("WorkingDir") or "/",
        "user": _user_id(run.get("User") or "", root),
    }


def _user_id(user: str, root: Path) -> str:
    name = user.partition(":")[0]
    if not name or name.isdigit():
        return name
    try:
        lines = (root / "etc/passwd").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[2] for line in lines if line.startswith(f"{name}:")), "")


def _manifest(layout: Path, tag: str) -> tuple[Any, str]:
    index = json.loads((layout / "index.json").read_text())
    for row in index["manifests"]:
        if (row.get("annotations") or {}).get("org.opencontainers.image.ref.name") == tag:
            digest = row["digest"]
            return json.loads(_blob(layout, digest).read_text()), digest
    raise AssertionError("skopeo wrote the tag it was asked for")


def _blob(layout: Path, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    return layout / "blobs" / algorithm / value


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise Problem(
            f"{argv[0]} could not handle the image",
            wanted=" ".join(argv),
            found=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}",
            fix="check the name, the file and your network",
        )
