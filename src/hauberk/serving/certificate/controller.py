"""Wiring of the Certificate controller, and the seam through which it asks for certificates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hauberk.base.refs import Json, Ref
from hauberk.engine.plan import Controller
from hauberk.ports import KeyPair, Snapshot
from hauberk.serving.certificate.plan import World, plan
from hauberk.serving.names import CERTIFICATE


@dataclass(frozen=True, slots=True)
class Issued:
    """A pair to put into the Secret, with the PEM text of who signed it."""

    pair: KeyPair
    roots: bytes


Issue: TypeAlias = Callable[[Sequence[str], bytes], "Issued | None"]
"""A certificate for these hosts; None when the chain that is given (maybe empty) still serves them.

Asked again before anything is stored it gives the same pair.
"""


def observer(issue: Issue | None) -> Callable[[Snapshot, Ref], World | None]:
    """The observe function that asks `issue`; without one nothing is issued."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        certificate = snapshot.get(ref)
        if certificate is None:
            return None
        spec = certificate["spec"]
        secret = snapshot.get(Ref("Secret", ref.namespace, spec.get("secretName") or ""))
        names = tuple(spec.get("dnsNames") or ())
        issued = issue(names, _chain(secret)) if issue is not None and names else None
        data = _data(issued) if issued else None
        return World(certificate=certificate, secret=secret, data=data, has_issuer=issue is not None)

    return observe


def _chain(secret: Json | None) -> bytes:
    try:
        return base64.b64decode(((secret or {}).get("data") or {}).get("tls.crt", ""))
    except (binascii.Error, ValueError):
        return b""


def _data(issued: Issued) -> dict[str, str]:
    parts = {"tls.crt": issued.pair.chain, "tls.key": issued.pair.key, "ca.crt": issued.roots}
    return {name: base64.b64encode(value).decode() for name, value in parts.items()}


def controller(issue: Issue | None) -> Controller[World]:
    """The Certificate's row."""
    return Controller(
        name="certificate", kind=CERTIFICATE, owns=("Secret",), observe=observer(issue), plan=plan
    )
