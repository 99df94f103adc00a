"""Rules of the mesh that need more than one object: the operator's validating webhooks.

Source: maistra/istio-operator pkg/controller/servicemesh/webhooks/validation/
  {controlplane,memberroll,member}.go.
"""

from __future__ import annotations

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.kinds.maistra.control_plane import SUPPORTED_VERSIONS
from hauberk.kinds.maistra.member import MEMBER_NAME
from hauberk.kinds.maistra.member_roll import ROLL_NAME
from hauberk.operators.control_plane.make import make_mtls
from hauberk.operators.membership import control_plane_in, listed_in
from hauberk.operators.mesh_settings import settings_of
from hauberk.operators.names import (
    CONTROL_PLANE,
    DESTINATION_RULE,
    MEMBER,
    MEMBER_ROLL,
    PEER_AUTHENTICATION,
)
from hauberk.ports_admission import Admission, Outcome, Request


def _deny(webhook: str, text: str, obj: Json, kind: str) -> BadRequest:
    meta = obj["metadata"]
    return BadRequest(
        f'admission webhook "{webhook}.validation.maistra.io" denied the request: {text}',
        ref=Ref(kind, meta.get("namespace", ""), meta.get("name", "")),
    )


def admit_control_plane(request: Request) -> Outcome:
    """One control plane per namespace, of a supported version."""
    obj = request.obj
    if obj is None or is_deleting(obj) or request.subresource:
        return Outcome()
    name = obj["metadata"].get("name")
    others = [
        smcp
        for smcp in request.snapshot.list(CONTROL_PLANE, request.namespace)
        if smcp["metadata"]["name"] != name
    ]
    if others:
        text = "only one service mesh may be installed per project/namespace"
        raise _deny("smcp", text, obj, CONTROL_PLANE)
    version = (obj.get("spec") or {}).get("version")
    if version and version not in SUPPORTED_VERSIONS:
        text = f"Only '[{' '.join(SUPPORTED_VERSIONS)}]' versions are supported"
        raise _deny("smcp", text, obj, CONTROL_PLANE)
    return Outcome()


def admit_member_roll(request: Request) -> Outcome:
    """Check that the roll is named `default` and lists neither itself nor another roll's members."""
    obj = request.obj
    if obj is None or is_deleting(obj) or request.subresource:
        return Outcome()
    if obj["metadata"].get("name") != ROLL_NAME:
        raise _deny("smmr", f"ServiceMeshMemberRoll must be named '{ROLL_NAME}'", obj, MEMBER_ROLL)
    members = listed_in(obj)
    taken = {
        member
        for roll in request.snapshot.list(MEMBER_ROLL)
        if roll["metadata"]["namespace"] != request.namespace and not is_deleting(roll)
        for member in listed_in(roll)
    }
    for member in members:
        if member in taken or "*" in taken or (member == "*" and taken):
            text = "one or more members are already defined in another ServiceMeshMemberRoll"
            raise _deny("smmr", text, obj, MEMBER_ROLL)
        if member == request.namespace:
            text = "mesh project/namespace cannot be listed as a member"
            raise _deny("smmr", text, obj, MEMBER_ROLL)
    return Outcome()


def admit_member(request: Request) -> Outcome:
    """The member is named `default` and never changes its mesh."""
    obj = request.obj
    if obj is None or is_deleting(obj) or request.subresource:
        return Outcome()
    if obj["metadata"].get("name") != MEMBER_NAME:
        text = f'the ServiceMeshMember resource must be named "{MEMBER_NAME}"'
        raise _deny("smm", text, obj, MEMBER)
    old = request.old
    if old is not None and _ref(old) != _ref(obj):
        raise _deny("smm", "mutation of .spec.controlPlaneRef isn't allowed", obj, MEMBER)
    return Outcome()


def _ref(member: Json) -> Json | None:
    found: Json | None = (member.get("spec") or {}).get("controlPlaneRef")
    return found


def advise_mtls(request: Request) -> Outcome:
    """Say that an mTLS object of the mesh is the control plane's, when somebody changes it.

    Upstream is silent: the change counts until the ServiceMeshControlPlane changes, and is then lost.
    """
    obj = request.obj or request.old
    smcp = control_plane_in(request.snapshot, request.namespace)
    if obj is None or smcp is None or request.subresource or is_deleting(obj):
        return Outcome()
    names = {ref_of(child) for child in make_mtls(settings_of(smcp), {})}
    ref = Ref(request.kind, request.namespace, obj["metadata"].get("name", ""))
    if ref not in names or (request.old and request.obj and same_spec(request.old, request.obj)):
        return Outcome()
    lost = (
        "is made again" if request.obj is None else "counts until that resource changes, then it is put back"
    )
    return Outcome(
        warnings=(
            f"{ref} belongs to ServiceMeshControlPlane {smcp['metadata']['name']}: the change {lost}. "
            "Set spec.security.dataPlane.mtls there, or use an object of another name or namespace",
        )
    )


def same_spec(one: Json, other: Json) -> bool:
    """Whether two objects want the same."""
    return bool((one.get("spec") or {}) == (other.get("spec") or {}))


VALIDATORS: tuple[Admission, ...] = (
    Admission(name="smcp.validation.maistra.io", kinds=(CONTROL_PLANE,), admit=admit_control_plane),
    Admission(name="smmr.validation.maistra.io", kinds=(MEMBER_ROLL,), admit=admit_member_roll),
    Admission(name="smm.validation.maistra.io", kinds=(MEMBER,), admit=admit_member),
    Admission(
        name="mtls-advice",
        kinds=(PEER_AUTHENTICATION, DESTINATION_RULE),
        operations=("CREATE", "UPDATE", "DELETE"),
        admit=advise_mtls,
    ),
)
