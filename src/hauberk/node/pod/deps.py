"""What every pod's worker works with, and the callables that other rooms provide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hauberk.base.paths import Paths
from hauberk.base.refs import Json
from hauberk.kinds.core.volume import TokenProjection
from hauberk.node.runtime import Claimed, Runtime
from hauberk.ports import Api, Clock, Recorder

from .fields import NodeFacts
from .pull import ResolveImage
from .spec import Pod


@dataclass(frozen=True, slots=True)
class ProxyLaunch:
    """How the pod's Envoy is started. `files` (name to content) go below `paths.pod(uid)`, 0600."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


ProxyBootstrap = Callable[[Json, Mapping[str, str], str], ProxyLaunch]
"""(pod object, role per proxy container, pod IP) → how to start its Envoy."""

TakeSpare = Callable[[str, Path], Awaitable[Claimed | None]]
"""(pod uid, log of its Envoy) → a sandbox whose Envoy runs already, or None."""

IssueToken = Callable[[Pod, TokenProjection], bytes]
"""The pod's ServiceAccount token for one projection. Raises fields.ConfigError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Shared by all workers of one node."""

    api: Api
    recorder: Recorder
    runtime: Runtime
    paths: Paths
    clock: Clock
    resolve_image: ResolveImage
    proxy_bootstrap: ProxyBootstrap
    take_spare: TakeSpare
    issue_token: IssueToken
    facts: NodeFacts
    limits_unenforced: Callable[[Pod], None]  # told of each pod with limits; says it once
