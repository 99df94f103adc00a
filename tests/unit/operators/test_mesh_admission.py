from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hauberk.base.apierrors import BadRequest
from hauberk.operators.admission import admit_control_plane, admit_member, admit_member_roll, advise_mtls
from hauberk.ports_admission import Outcome, Request
from hauberk.testing.memory_api import MemoryApi


def smcp(name: str, namespace: str = "istio-system", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "maistra.io/v2",
        "kind": "ServiceMeshControlPlane",
        "metadata": metadata,
        "spec": spec,
    }


def roll(namespace: str, *members: str, name: str = "default") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    spec = {"members": list(members)}
    return {
        "apiVersion": "maistra.io/v1",
        "kind": "ServiceMeshMemberRoll",
        "metadata": metadata,
        "spec": spec,
    }


def member(mesh: str, name: str = "default") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "tenant"}
    spec = {"controlPlaneRef": {"name": "basic", "namespace": mesh}}
    return {"apiVersion": "maistra.io/v1", "kind": "ServiceMeshMember", "metadata": metadata, "spec": spec}


def ask(
    admit: Callable[[Request], Outcome],
    obj: dict[str, Any],
    *stored: dict[str, Any],
    old: dict[str, Any] | None = None,
) -> Outcome:
    api = MemoryApi()
    api.seed(*stored)
    request = Request(
        kind="",
        operation="UPDATE" if old else "CREATE",
        obj=obj,
        old=old,
        namespace=obj["metadata"]["namespace"],
        subresource="",
        user="u",
        snapshot=api.snapshot(),
        options={},
    )
    return admit(request)


@pytest.mark.parametrize(
    ("admit", "obj", "stored", "text"),
    [
        (
            admit_control_plane,
            smcp("two"),
            (smcp("one"),),
            "only one service mesh may be installed per project/namespace",
        ),
        (admit_control_plane, smcp("one", version="v1.1"), (), "versions are supported"),
        (admit_member_roll, roll("a", name="other"), (), "must be named 'default'"),
        (admit_member_roll, roll("a", "a"), (), "mesh project/namespace cannot be listed as a member"),
        (
            admit_member_roll,
            roll("a", "tenant"),
            (roll("b", "tenant"),),
            "one or more members are already defined in another ServiceMeshMemberRoll",
        ),
        (admit_member_roll, roll("a", "*"), (roll("b", "tenant"),), "already defined in another"),
        (admit_member_roll, roll("a", "x"), (roll("b", "*"),), "already defined in another"),
        (admit_member, member("a", name="x"), (), 'must be named "default"'),
    ],
)
def test_what_upstreams_webhooks_refuse_is_refused_in_their_words(
    admit: Callable[[Request], Outcome], obj: dict[str, Any], stored: tuple[dict[str, Any], ...], text: str
) -> None:
    with pytest.raises(BadRequest, match=r"validation\.maistra\.io") as refused:
        ask(admit, obj, *stored)
    assert text in refused.value.message
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("admit", "obj", "stored"),
    [
        (admit_control_plane, smcp("one", version="v2.6"), (smcp("other", "elsewhere"),)),
        (admit_control_plane, smcp("one"), (smcp("one"),)),  # an update of itself
        (admit_member_roll, roll("a", "x"), (roll("a", "x", "y"), roll("b", "tenant"))),
        (admit_member, member("a"), ()),
    ],
)
def test_what_upstreams_webhooks_let_pass_passes(
    admit: Callable[[Request], Outcome], obj: dict[str, Any], stored: tuple[dict[str, Any], ...]
) -> None:
    assert ask(admit, obj, *stored) == Outcome()


def test_a_member_never_changes_its_mesh() -> None:
    with pytest.raises(BadRequest, match=r"mutation of \.spec\.controlPlaneRef isn't allowed"):
        ask(admit_member, member("b"), old=member("a"))


def peers(name: str, mode: str, namespace: str = "istio-system") -> dict[str, Any]:
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"mtls": {"mode": mode}},
    }


@pytest.mark.parametrize(
    ("obj", "old", "word"),
    [
        (peers("default", "STRICT"), peers("default", "PERMISSIVE"), "put back"),
        (peers("default", "STRICT"), None, "put back"),
        (None, peers("default", "STRICT"), "made again"),
        (peers("default", "STRICT"), peers("default", "STRICT"), ""),
        (peers("mine", "STRICT"), None, ""),
        (peers("default", "STRICT", "apps"), None, ""),
    ],
)
def test_who_changes_what_the_control_plane_made_is_told(
    obj: dict[str, Any] | None, old: dict[str, Any] | None, word: str
) -> None:
    api = MemoryApi()
    api.seed(smcp("basic"))
    request = Request(
        kind="PeerAuthentication.security.istio.io",
        operation="DELETE" if obj is None else "UPDATE" if old else "CREATE",
        obj=obj,
        old=old,
        namespace=(obj or old or {})["metadata"]["namespace"],
        subresource="",
        user="me",
        snapshot=api.snapshot(),
        options={},
    )
    warnings = advise_mtls(request).warnings
    assert [word in text for text in warnings] == ([True] if word else [])
