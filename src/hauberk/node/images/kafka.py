"""Where a real Apache Kafka is on this machine: Java from the distribution, jars in the user's cache.

`hauberk.cluster.kafka` fetches the jars; this module finds them and makes the image of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from hauberk.node.images.model import ImageProblem, Mount, ResolvedImage

VERSION = "3.9.1"
SCALA = "2.13"
LIBS = "/opt/kafka/libs"
_LINKED = "java-*-openjdk"  # below /etc: Debian's Java has links to its configuration there


def cache_root(environ: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/hauberk`, by default `~/.cache/hauberk`."""
    base = environ.get("XDG_CACHE_HOME")
    home = environ.get("HOME")
    return (Path(base) if base else (Path(home) if home else Path.home()) / ".cache") / "hauberk"


def libs_of(environ: Mapping[str, str]) -> Path:
    """The directory of the broker's jars; it exists only when it is whole."""
    return cache_root(environ) / f"kafka_{SCALA}-{VERSION}"


def missing(environ: Mapping[str, str]) -> list[str]:
    """What a Kafka broker needs and this machine does not have: `java`, `jars`."""
    found = []
    if shutil.which("java", path=environ.get("PATH")) is None:
        found.append("java")
    if not libs_of(environ).is_dir():
        found.append("jars")
    return found


def image(reference: str, digest: str, folder: str, program: str, python: str) -> ResolvedImage:
    """The broker's image: a small program that writes its configuration and becomes Java. ImageProblem."""
    lacking = missing(os.environ)
    if lacking:
        raise ImageProblem(
            "ErrImagePull",
            f"{reference}: this machine has no {' and no '.join(lacking)}. `hauberk up --kafka` "
            "fetches the jars and says how Java is installed",
        )
    java = Path(os.path.realpath(shutil.which("java") or "java"))
    home = java.parent.parent
    mounts = [str(path) for path in sorted(Path("/etc").glob(_LINKED))]
    if not str(home).startswith(("/usr/", "/opt/")):
        mounts.append(str(home))
    return ResolvedImage(
        reference,
        "builtin",
        digest,
        entrypoint=(python, "-S", "-E", "-I", f"{folder}/{program}"),
        env={"JAVA": str(java)},
        binds=(
            Mount(str(libs_of(os.environ)), LIBS, read_only=True),
            *(Mount(path, path, read_only=True) for path in mounts),
        ),
    )
