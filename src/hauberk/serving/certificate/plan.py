"""Certificate → its Secret. Pure.

Source: knative/serving pkg/reconciler/certificate/{certificate.go,resources/cert_manager_certificate.go}.
Deviation: the cluster's own authority signs at once; upstream asks cert-manager, whose default issuer for
Knative (`knative-selfsigned-issuer`) is self-signed, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Plan
from hauberk.serving.names import L_CERTIFICATE_UID, body, kept

LOOK_AGAIN_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Certificate may depend on."""

    certificate: Json
    secret: Json | None  # the object that has the Secret's name
    data: Mapping[str, str] | None = None  # a new certificate, where the stored one does not do
    has_issuer: bool = True


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Fill the Secret.

    | issuer | the Secret's name  | Ready              |
    |--------|--------------------|--------------------|
    | none   | any                | False, NoIssuer    |
    | here   | somebody else's    | False, NotOwned    |
    | here   | free or ours       | True               |
    """
    name = world.certificate["spec"].get("secretName", "")
    if world.secret is not None and not _is_own(world):
        text = f'There is an existing Secret "{name}" that we do not own.'
        return _ended(Condition("Ready", "False", "NotOwned", text))
    if not world.has_issuer:
        text = "Certificates are not issued here: this control plane was started without an authority"
        return _ended(Condition("Ready", "False", "NoIssuer", text))
    child = _secret(world, world.data) if world.data is not None else _kept(world)
    status = {"conditions": [Condition("Ready", "True").as_json()]}
    return Plan(children=child, status=status, retry_after=LOOK_AGAIN_S)


def _ended(row: Condition) -> Plan:
    return Plan(status={"conditions": [row.as_json()]})


def _is_own(world: World) -> bool:
    owner = controller_of(world.secret) if world.secret else None
    return owner is not None and owner["uid"] == world.certificate["metadata"]["uid"]


def _secret(world: World, data: Mapping[str, str]) -> tuple[Json, ...]:
    meta = world.certificate["metadata"]
    place = {
        "name": world.certificate["spec"]["secretName"],
        "namespace": meta["namespace"],
        "labels": {L_CERTIFICATE_UID: meta["uid"]},
    }
    return (body("v1", "Secret", place, type="kubernetes.io/tls", data=dict(data)),)


def _kept(world: World) -> tuple[Json, ...]:
    if world.secret is None:
        return ()
    parts = {key: world.secret.get(key) for key in ("type", "data")}
    return ({**kept(world.secret), **{k: v for k, v in parts.items() if v is not None}},)
