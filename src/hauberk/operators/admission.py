"""Rules of the mesh that need more than one object: the operator's validating webhooks.

Source: maistra/istio-operator pkg/controller/servicemesh/webhooks/validation/
  {controlplane,memberroll,member}.go.
"""

from __future__ import annotations

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref, is_deleting
from hauberk.kinds.maistra.control_plane import SUPPORTED_VERSIONS
from hauberk.kinds.maistra.member import MEMBER_NAME
from hauberk.kinds.maistra.member_roll import ROLL_NAME
from hauberk.operators.membership import listed_in
from hauberk.operators.names import CONTROL_PLANE, MEMBER, MEMBER_ROLL
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


VALIDATORS: tuple[Admission, ...] = (
    Admission(name="smcp.validation.maistra.io", kinds=(CONTROL_PLANE,), admit=admit_control_plane),
    Admission(name="smmr.validation.maistra.io", kinds=(MEMBER_ROLL,), admit=admit_member_roll),
    Admission(name="smm.validation.maistra.io", kinds=(MEMBER,), admit=admit_member),
)
