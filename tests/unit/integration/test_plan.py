"""Marks, differences and what a second install does."""

from __future__ import annotations

import pytest

from hauberk.base.refs import Json, Ref
from hauberk.integration import marks
from hauberk.integration.install import outcome
from hauberk.integration.plan import Change, compare, fields_between, removal_of, short, summary, surplus
from hauberk.integration.stages import Stage


def cm(name: str = "c", *, marked: str = "", created: bool = False, version: str = "1", **data: str) -> Json:
    meta: dict = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": version}
    if marked:
        meta["labels"] = {marks.STAGE: marked}
    if created:
        meta["annotations"] = {marks.CREATED: "by-install"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def stage(name: str, *objects: Json) -> Stage:
    return Stage(name=name, title=name, why="", objects=objects)


@pytest.mark.parametrize(
    ("live", "created"),
    [(None, True), (cm(created=True), True), (cm(), False), (cm(marked="10-x"), False)],
)
def test_only_what_was_not_there_is_marked_as_created(live: Json | None, created: bool):
    wanted = marks.marked(cm(), "10-x", live)
    assert marks.stage_of(wanted) == "10-x"
    assert marks.was_created(wanted) is created


def test_marking_keeps_labels_and_annotations():
    obj = cm()
    obj["metadata"]["labels"] = {"knative": "ingressgateway"}  # type: ignore[index]
    wanted = marks.marked(obj, "10-x", None)
    assert wanted["metadata"]["labels"] == {"knative": "ingressgateway", marks.STAGE: "10-x"}
    assert marks.STAGE not in obj["metadata"]["labels"]


@pytest.mark.parametrize(
    ("live", "after", "action"),
    [
        (None, None, "create"),
        (cm(a="1"), cm(a="1"), "none"),
        (cm(a="1"), cm(a="2"), "change"),
        (cm(a="1"), cm(a="1", marked="10-x"), "none"),  # our marks alone are no change
    ],
)
def test_a_change_is_what_the_server_would_store(live: Json | None, after: Json | None, action: str):
    assert compare("10-x", cm(a="2"), live, after).action == action


def test_fields_are_named_with_both_values():
    fields = list(fields_between(cm(a="1", gone="x"), cm(a="2")))
    assert [(f.path, f.before, f.after) for f in fields] == [("data.a", "1", "2"), ("data.gone", "x", None)]


def test_what_the_server_writes_is_no_difference():
    before, after = cm(a="1"), cm(a="1", version="2")
    after = {**after, "status": {"phase": "x"}, "metadata": {**after["metadata"], "generation": 4}}
    assert not list(fields_between(before, after))


def test_values_of_secrets_are_never_shown():
    def secret(value: str) -> Json:
        return {**cm(), "kind": "Secret", "data": {"tls.key": value}}

    (field,) = fields_between(secret("b2xk"), secret("bmV3"))
    assert (field.path, field.before, field.after) == ("data.tls.key", "<hidden>", "<hidden>")


def test_surplus_goes_last_stage_first_and_never_holds_a_wanted_object():
    ours = [cm("a", marked="10-x"), cm("b", marked="20-y"), cm("kept", marked="20-y")]
    stages = (stage("20-y", cm("kept")),)
    assert [o["metadata"]["name"] for o in surplus(stages, ours)] == ["b", "a"]


def test_secrets_of_a_stage_are_no_surplus():
    row = Stage(name="s", title="", why="", objects=(), secrets=(Ref("ConfigMap", "ns", "c"),))
    assert surplus((row,), [cm(marked="s")]) == ()


@pytest.mark.parametrize(("created", "action"), [(True, "delete"), (False, "release")])
def test_what_was_there_before_is_given_back(created: bool, action: str):
    assert removal_of(cm(marked="10-x", created=created)).action == action


@pytest.mark.parametrize(
    ("live", "after", "did"),
    [
        (None, cm(), "create"),
        (cm(a="1"), cm(a="1"), "none"),
        (cm(a="1"), cm(a="1", version="2"), "none"),
        (cm(a="1"), cm(a="2", version="2"), "change"),
    ],
)
def test_what_applying_did(live: Json | None, after: Json, did: str):
    assert outcome(live, after) == did


def test_a_summary_counts():
    def change(action: str) -> Change:
        return Change(stage="s", ref=Ref("ConfigMap", "ns", "c"), action=action)  # type: ignore[arg-type]

    assert summary(map(change, ["create", "none", "create"])) == "2 to create, 1 as they are"
    assert summary([]) == "nothing"


def test_names_are_short_in_progress():
    assert short(Ref("Gateway.networking.istio.io", "ns", "g")) == "Gateway ns/g"
    assert short(Ref("Namespace", "", "n")) == "Namespace n"
