"""Whether a pod insists on mTLS, and which AuthorizationPolicies are for it. Pure.

Source: istio/istio pilot/pkg/security/authn/policy_applier.go (ComposePeerAuthentication),
pilot/pkg/model/authorization.go (ListAuthorizationPolicies).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hauberk.base.refs import Json, ref_of
from hauberk.kinds.istio_security.authorization_policy import AuthorizationPolicy
from hauberk.kinds.istio_security.peer_authentication import PeerAuthentication
from hauberk.mesh.model import Mode, Policy, Settings
from hauberk.mesh.origins import origin_of
from hauberk.mesh.workloads import Workload


@dataclass(frozen=True, slots=True)
class Modes:
    """A workload's mode, and those of single ports."""

    default: Mode
    ports: tuple[tuple[int, Mode], ...] = field(default=())

    def of(self, port: int) -> Mode:
        """The mode of one port."""
        return dict(self.ports).get(port, self.default)


def peer_modes(workload: Workload, policies: Iterable[PeerAuthentication], settings: Settings) -> Modes:
    """The effective modes of a workload.

    | port level | workload | namespace | mesh | control plane's default          |
    |------------|----------|-----------|------|----------------------------------|
    | first that is set, from left to right; of several of one level the oldest counts |

    The default is STRICT when the control plane says `security.dataPlane.mtls`, else PERMISSIVE.
    """
    mode = Mode.STRICT if settings.strict else Mode.PERMISSIVE
    levels = peer_levels(workload, policies, settings.root)
    for found in levels:
        if found is not None and found.spec.mtls is not None:
            mode = _mode(found.spec.mtls.mode, mode)
    own = levels[2]
    ports = (own.spec.port_level_mtls or {}) if own is not None else {}
    rows = sorted((int(port), _mode(mtls.mode, mode)) for port, mtls in ports.items())
    return Modes(mode, tuple(rows))


def peer_levels(
    workload: Workload, policies: Iterable[PeerAuthentication], root: str
) -> tuple[PeerAuthentication | None, PeerAuthentication | None, PeerAuthentication | None]:
    """The rule that counts for a workload on each level: mesh, namespace, workload."""
    levels: list[PeerAuthentication | None] = [None, None, None]
    for policy in sorted(policies, key=_age):
        level = _level(policy, workload, root)
        if level is not None and levels[level] is None:
            levels[level] = policy
    return levels[0], levels[1], levels[2]


def _age(policy: PeerAuthentication) -> tuple[str, str]:
    return policy.metadata.creation_timestamp or "", policy.metadata.name


def _level(policy: PeerAuthentication, workload: Workload, root: str) -> int | None:
    """0 mesh, 1 namespace, 2 workload; None: not for this workload."""
    labels = policy.spec.selector.match_labels if policy.spec.selector else None
    namespace = policy.metadata.namespace
    if labels:
        return 2 if namespace == workload.namespace and workload.has_labels(labels) else None
    if namespace == root:
        return 0
    return 1 if namespace == workload.namespace else None


def _mode(text: str, inherited: Mode) -> Mode:
    return inherited if text in ("", "UNSET") else Mode(text)


def policy_of(raw: Json, parsed: AuthorizationPolicy) -> Policy:
    """The mesh's record of an AuthorizationPolicy."""
    labels = parsed.spec.selector.match_labels if parsed.spec.selector else None
    return Policy(
        ref=ref_of(raw),
        action=parsed.spec.action or "ALLOW",  # type: ignore[arg-type]  # validated: one of four
        rules=parsed.spec.rules,
        labels=tuple(sorted((labels or {}).items())),
        origin=origin_of(raw),
    )


def policies_for(workload: Workload, policies: Sequence[Policy], root: str) -> tuple[Policy, ...]:
    """The policies of the mesh's root and of the workload's namespace that select it."""
    return tuple(
        p
        for p in policies
        if p.ref.namespace in (root, workload.namespace) and workload.has_labels(dict(p.labels))
    )
