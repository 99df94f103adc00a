"""Secrets on the disk are unreadable without a key that lies elsewhere.

| file              | what is in it                                                 |
|-------------------|---------------------------------------------------------------|
| `state.db`        | bodies of Secrets: a prefix, a nonce of 12 bytes, AES-256-GCM |
| `pki/secrets.key` | 32 random bytes in base64, 0600                               |

A body is bound to the name of its object, so one cannot be put in another's place. A plain body, written by
an older version, is read as it is and sealed when the database is opened.
Source: kubernetes staging/src/k8s.io/apiserver/pkg/storage/value/encrypt/aes/aes.go (the extended nonce is
not needed: one cluster writes far fewer than 2^32 Secrets with one key).
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hauberk.base.files import write_whole
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref

KINDS = ("Secret",)
PREFIX = b"hauberk:aesgcm:v1:"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class Seal:
    """Closes and opens the bodies of Secrets. May be used from several threads."""

    def __init__(self, key: bytes, path: Path) -> None:
        self._cipher, self._path = AESGCM(key), path

    @classmethod
    def of(cls, path: Path, *, needed: bool) -> Seal:
        """The seal whose key lies at `path`; made when it is missing, unless it is `needed`. Problem."""
        if not path.exists():
            if needed:
                raise _lost(path, "no such file")
            write_whole(path, base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n", durable=True)
        try:
            key = base64.b64decode(path.read_bytes().strip(), validate=True)
        except (OSError, binascii.Error) as error:
            raise _lost(path, str(error)) from error
        if len(key) != _KEY_BYTES:
            raise _lost(path, f"{len(key)} bytes instead of {_KEY_BYTES}")
        return cls(key, path)

    def closed(self, ref: Ref, body: bytes) -> bytes:
        """A body as it is kept."""
        if ref.kind not in KINDS:
            return body
        nonce = os.urandom(_NONCE_BYTES)
        return PREFIX + nonce + self._cipher.encrypt(nonce, body, _bound(ref))

    def opened(self, ref: Ref, body: bytes) -> bytes:
        """A kept body as it was. Problem when the key is another one, or the body was changed."""
        if ref.kind not in KINDS or not body.startswith(PREFIX):
            return body
        rest = body[len(PREFIX) :]
        try:
            return self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(ref))
        except (InvalidTag, ValueError) as error:
            raise _lost(self._path, f"a key that does not open {ref}") from error


def _bound(ref: Ref) -> bytes:
    return f"{ref.kind}/{ref.namespace}/{ref.name}".encode()


def _lost(path: Path, found: str) -> Problem:
    return Problem(
        "the cluster's Secrets cannot be read",
        wanted=f"the key that they were stored with: {path}",
        found=found,
        fix="put the key back from your copy of the cluster's directory; without it the Secrets are lost: "
        "`hauberk down --purge` and `hauberk up` start empty",
    )
