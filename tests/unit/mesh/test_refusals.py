"""The rule that an Envoy refused is found, replaced, told, and judged anew when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hauberk.base.refs import Json, ref_of
from hauberk.mesh.origins import Origin, origin_of
from hauberk.mesh.refusals import Refusals


def rule(name: str, generation: int = 1, kind: str = "VirtualService", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "a", "uid": f"uid-{name}", "generation": generation},
        **more,
    }


def refuse(
    refusals: Refusals, rules: Sequence[Json], suspects: Sequence[Json] | None = None, pod: str = "a/p"
) -> bool:
    origins = [origin_of(r) for r in rules]
    blamed = [origin_of(r) for r in (rules if suspects is None else suspects)]
    return refusals.refused(origins, blamed, pod=pod, what="RouteConfiguration 80", reason="bad regex")


def told(refusals: Refusals) -> dict[str, str]:
    return {f.ref.name: f.message for f in refusals.findings({})}


def test_the_one_rule_that_no_proxy_took_is_to_blame_and_its_last_version_stays() -> None:
    refusals, old, bad, other = Refusals(), rule("x"), rule("x", 2), rule("y")
    refusals.observe([old, other])
    refusals.observe([bad, other])
    assert refuse(refusals, [bad, other], [bad])
    assert refusals.stand_ins() == {ref_of(bad): old}
    assert told(refusals) == {
        "x": "Envoy of a/p refused RouteConfiguration 80: bad regex; its last good version stays in force"
    }


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [("VirtualService", True), ("Gateway", True), ("DestinationRule", False), ("AuthorizationPolicy", False)],
)
def test_a_rule_without_a_good_version_is_left_out_only_where_nothing_gets_less_secure(
    kind: str, left_out: bool
) -> None:
    refusals, bad = Refusals(), rule("x", kind=kind)
    refusals.observe([bad])
    assert refuse(refusals, [bad])
    assert refusals.stand_ins() == ({ref_of(bad): None} if left_out else {})
    assert "x" in told(refusals)


def test_a_version_that_was_refused_before_is_no_stand_in() -> None:
    refusals, versions = Refusals(), [rule("x", n) for n in (1, 2, 3)]
    for version in versions:
        refusals.observe([version])
    refuse(refusals, [versions[1]])
    refuse(refusals, [versions[2]])
    assert refusals.stand_ins() == {ref_of(versions[0]): versions[0]}


def test_a_changed_or_deleted_rule_is_judged_anew() -> None:
    for after in ([rule("x", 2)], []):
        refusals = Refusals()
        refusals.observe([rule("x")])
        refuse(refusals, [rule("x")])
        refusals.observe(after)
        assert (refusals.stand_ins(), told(refusals)) == ({}, {})


def test_a_change_of_the_status_is_no_change_of_the_rule() -> None:
    refusals = Refusals()
    refusals.observe([rule("x")])
    refuse(refusals, [rule("x")])
    refusals.observe([rule("x", status={"conditions": []})])
    assert "x" in told(refusals)


def test_every_pod_that_refuses_is_named() -> None:
    refusals, bad = Refusals(), rule("x")
    refusals.observe([bad])
    for n in range(5):
        refuse(refusals, [bad], [bad], pod=f"a/p{n}")
    assert told(refusals)["x"].startswith("Envoy of a/p0, a/p1, a/p2 and 2 more refused")


def test_the_newest_is_to_blame_when_each_was_fine_alone() -> None:
    refusals = Refusals()
    refusals.observe([rule("x"), rule("y")])
    refusals.observe([rule("x", 2), rule("y")])
    refuse(refusals, [rule("x", 2), rule("y")], [])
    assert set(told(refusals)) == {"x"}


@pytest.mark.parametrize("count", [2, 3, 7, 16])
def test_of_several_new_rules_exactly_the_bad_ones_are_found(count: int) -> None:
    """The proxy of this test refuses any state with a bad rule, as Envoy refuses a route table."""
    rules = [rule(f"r{n}") for n in range(count)]
    bad = {"r0", f"r{count - 1}"}
    refusals, taken = Refusals(), set[Origin]()
    refusals.observe(rules)
    for _ in range(60):
        left_out = {ref.name for ref in refusals.stand_ins()}
        live = [r for r in rules if r["metadata"]["name"] not in left_out]
        if any(r["metadata"]["name"] in bad for r in live):
            assert refuse(refusals, live, [r for r in live if origin_of(r) not in taken])
            continue
        taken |= {origin_of(r) for r in live}
        if not refusals.let_back():
            break
    assert set(told(refusals)) == bad
    assert {ref.name for ref in refusals.stand_ins()} == bad
    assert not refusals.searching


@pytest.mark.parametrize(("observed", "known"), [(1, True), (0, False)])
def test_a_new_control_plane_knows_what_the_one_before_told(observed: int, known: bool) -> None:
    row = {
        "type": "Accepted", "status": "False", "reason": "ConfigurationRefused", "message": "as before",
        "observedGeneration": observed,
    }  # fmt: skip
    refusals, bad = Refusals(), rule("x", status={"conditions": [row]})
    refusals.observe([bad])
    assert refusals.stand_ins() == ({ref_of(bad): None} if known else {})
    assert told(refusals) == ({"x": "as before"} if known else {})


def test_a_refused_credential_is_told_on_its_gateways_until_the_secret_changes() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}}
    refusals, gate = Refusals(), ref_of(rule("g", kind="Gateway"))
    refusals.refused_secret(secret, [gate], pod="a/p", reason="KEY_VALUES_MISMATCH")
    (found,) = refusals.findings({refusals.watched[0]: secret})
    assert (found.ref, found.reason) == (gate, "ConfigurationRefused")
    assert "KEY_VALUES_MISMATCH" in found.message
    assert refusals.findings({refusals.watched[0]: dict(secret)}) == []


def test_a_new_control_plane_keeps_the_version_in_force_that_the_one_before_kept() -> None:
    first, bad = Refusals(), rule("x", 2, spec={"hosts": ["bad"]})
    first.observe([rule("x", spec={"hosts": ["good"]})])
    first.observe([bad])
    refuse(first, [bad])
    row = {
        "type": "Accepted", "status": "False", "reason": "ConfigurationRefused", "message": "as before",
        "observedGeneration": 2,
    }  # fmt: skip
    status = {"conditions": [row], "lastGoodSpec": first.in_force()[ref_of(bad)]}
    second = Refusals()
    second.observe([{**bad, "status": status}])
    (made,) = second.stand_ins().values()
    assert made is not None
    assert made["spec"] == {"hosts": ["good"]}
