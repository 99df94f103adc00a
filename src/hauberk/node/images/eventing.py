"""The image `hauberk.local/eventing`: this interpreter with this package and what it needs, read-only.

The first argument is the role. `/run/hauberk` is the pod's own folder (the control socket),
`/var/lib/hauberk` the workload's (contract and log), which outlives the pod.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from hauberk.node.images.model import Mount, ResolvedImage, Scope

_PACKAGE = Path(__file__).parents[2]
_NEEDED = ("aiokafka", "httptools", "msgspec")
FOLDERS: dict[str, Scope] = {"/run/hauberk": "pod", "/var/lib/hauberk": "workload"}


def image(reference: str, interpreter: str, binds: tuple[Mount, ...]) -> ResolvedImage:
    """The image, with the mounts that this machine's installation needs."""
    folders = dict.fromkeys((str(_PACKAGE.parent), *(_site(name) for name in _NEEDED)))
    return ResolvedImage(
        reference,
        "builtin",
        f"sha256:{_digest()}",
        # -S -E: no site, no .pth files, no user's environment; the path is given below
        entrypoint=(interpreter, "-S", "-s", "-m", "hauberk.dataplane"),
        env={
            "PYTHONPATH": ":".join(folders),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "1",
        },
        binds=(*(Mount(folder, folder, read_only=True) for folder in folders), *binds),
        folders=FOLDERS,
    )


def _site(name: str) -> str:
    """The folder that a package is imported from."""
    found = importlib.util.find_spec(name)
    assert found is not None, f"{name} is a dependency"
    assert found.origin is not None, f"{name} is a package"
    return str(Path(found.origin).parents[1])


def _digest() -> str:
    total = hashlib.sha256()
    for folder in ("dataplane", "events"):
        for file in sorted((_PACKAGE / folder).rglob("*.py")):
            total.update(file.read_bytes())
    return total.hexdigest()
