"""What the control plane tells a process of the data plane, and what the process answers. JSON both ways.

A contract is whole: what it does not name is not served. Times are seconds, URLs absolute.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

PENDING = "not known yet"
"""A problem that is none yet: the process still asks, and will say."""


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where events go. `ca` is a PEM bundle to trust; `audience` the OIDC audience to ask a token for."""

    url: str
    ca: str = ""
    audience: str = ""


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often, how long. `timeout` None: no limit; `retry_after_max` None: the header is obeyed whole."""

    retry: int = 0
    policy: Literal["exponential", "linear"] = "exponential"
    delay: float = 0.2
    timeout: float | None = None
    retry_after_max: float | None = None
    dead_letter: Target | None = None
    format: Literal["", "binary", "json"] = ""


class Egress(msgspec.Struct, frozen=True, omit_defaults=True):
    """One subscriber of a resource. `filters` are the API's own dialects; all of them must hold."""

    uid: str
    namespace: str
    name: str
    subscriber: Target | None = None
    filters: tuple[dict[str, Any], ...] = ()
    reply: Target | None = None
    delivery: Delivery = Delivery()
    attributes: dict[str, str] = {}
    ordered: bool = False
    settings: dict[str, Any] = {}


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which tokens' subjects (a trailing `*` matches a prefix) may send which events. Any policy suffices."""

    subjects: tuple[str, ...] = ()
    filters: tuple[dict[str, Any], ...] = ()


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """One broker, channel, source or sink. Found by `Host` in `hosts` or by `path`."""

    uid: str
    kind: str
    namespace: str
    name: str
    generation: int = 0
    hosts: tuple[str, ...] = ()
    path: str = ""
    durable: bool = True
    target: Target | None = None
    egresses: tuple[Egress, ...] = ()
    policies: tuple[Policy, ...] | None = None
    audience: str = ""
    settings: dict[str, Any] = {}


class Contract(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one role serves. `generation` grows with every change."""

    generation: int = 0
    resources: tuple[Resource, ...] = ()
    settings: dict[str, Any] = {}


class Served(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a contract: what is served, and what of it cannot be (uid → text for the user)."""

    generation: int = 0
    problems: dict[str, str] = {}
    counts: dict[str, int] = {}
