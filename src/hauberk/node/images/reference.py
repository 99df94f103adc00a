"""Image references. Pure.

Source: distribution/reference normalize.go, ParseNormalizedNamed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hauberk.node.images.model import ImageProblem

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_HOST = re.compile(r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[\w][\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalized reference: `host/path`, a tag (`latest` when there is neither), a digest."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Without tag and digest."""
        return f"{self.host}/{self.path}"

    def __str__(self) -> str:
        return (
            self.repository
            + (f":{self.tag}" if self.tag else "")
            + (f"@{self.digest}" if self.digest else "")
        )


def parse_reference(text: str) -> Reference:
    """Read a reference: `app` is `docker.io/library/app:latest`. ImageProblem when broken."""
    rest, at, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    path = f"{head}{slash}{last}"
    host = "docker.io"
    first, slash, other = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = first, other
    elif not slash:
        path = f"library/{path}"
    broken = (
        not _NAME.fullmatch(path)
        or not _HOST.fullmatch(host)
        or (colon and not _TAG.fullmatch(tag))
        or (at and not _DIGEST.fullmatch(digest))
    )
    if broken:
        message = f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": '
        raise ImageProblem("InvalidImageName", f"{message}invalid reference format")
    return Reference(host, path, tag or ("" if digest else "latest"), digest)
