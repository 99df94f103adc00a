from __future__ import annotations

import pytest

from hauberk.apiserver.patches import json_patch, merge_patch
from hauberk.apiserver.strategic import strategic_patch
from hauberk.base.apierrors import BadRequest, Invalid
from hauberk.kinds import BY_ID
from hauberk.kinds.shape import kind_shape

POD = kind_shape(BY_ID["Pod"])

# RFC 7386, appendix A
RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("value", "patch", "wanted"), RFC_7386)
def test_merge_patch_follows_the_rfc(value, patch, wanted):
    assert merge_patch(value, patch) == wanted


JSON_PATCHES = [
    ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
    ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
    ({"a": [{"b": 1, "c": 2}]}, [{"op": "remove", "path": "/a/0/b"}], {"a": [{"c": 2}]}),
    ({"a/b": 1}, [{"op": "replace", "path": "/a~1b", "value": 2}], {"a/b": 2}),
    ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
    ({"a": {"x": 1}}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": {"x": 1}, "b": {"x": 1}}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}], {}),
]


@pytest.mark.parametrize(("value", "patch", "wanted"), JSON_PATCHES)
def test_json_patch_follows_the_rfc(value, patch, wanted):
    assert json_patch(value, patch) == wanted


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ([{"op": "test", "path": "/a", "value": 2}], Invalid),
        ([{"op": "remove", "path": "/x"}], Invalid),
        ([{"op": "replace", "path": "/x", "value": 1}], Invalid),
        ([{"op": "add", "path": "/x/y", "value": 1}], Invalid),
        ([{"op": "add", "path": "/l/7", "value": 1}], Invalid),
        ([{"op": "nope", "path": "/a"}], BadRequest),
        ([{"op": "add", "path": "a", "value": 1}], BadRequest),
        ([{"op": "add", "path": "/a"}], BadRequest),
        ({"op": "add"}, BadRequest),
        (["x"], BadRequest),
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(patch, error):
    with pytest.raises(error):
        json_patch({"a": 1, "l": []}, patch)


def pod(*containers):
    return {"spec": {"containers": list(containers)}}


A, B = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}

STRATEGIC = [
    (
        "an item merges by its key",
        pod(A, B),
        pod({"name": "b", "image": "2"}),
        pod(A, {"name": "b", "image": "2"}),
    ),
    ("a new item comes last", pod(A), pod(B), pod(A, B)),
    ("an item is deleted by its key", pod(A, B), pod({"name": "a", "$patch": "delete"}), pod(B)),
    ("a list is replaced", pod(A), pod(B, {"$patch": "replace"}), pod(B)),
    (
        "the order is set",
        pod(A, B),
        {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
        pod(B, A),
    ),
    (
        "values leave a primitive list",
        {"metadata": {"finalizers": ["x", "y"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x"]}},
        {"metadata": {"finalizers": ["y"]}},
    ),
    (
        "values join a primitive list",
        {"metadata": {"finalizers": ["x"]}},
        {"metadata": {"finalizers": ["y"]}},
        {"metadata": {"finalizers": ["x", "y"]}},
    ),
    (
        "only the retained keys stay",
        {"spec": {"x": {"a": 1, "b": 2}}},
        {"spec": {"x": {"$retainKeys": ["b"], "b": 3}}},
        {"spec": {"x": {"b": 3}}},
    ),
    ("a map is replaced", {"x": {"a": 1}}, {"x": {"$patch": "replace", "b": 1}}, {"x": {"b": 1}}),
    ("null removes", {"x": 1, "y": 2}, {"x": None}, {"y": 2}),
    (
        "an atomic list is replaced",
        pod({**A, "args": ["x"]}),
        pod({**A, "args": ["y"]}),
        pod({**A, "args": ["y"]}),
    ),
]


@pytest.mark.parametrize(
    ("value", "patch", "wanted"), [s[1:] for s in STRATEGIC], ids=[s[0] for s in STRATEGIC]
)
def test_strategic_merge(value, patch, wanted):
    assert strategic_patch(value, patch, POD) == wanted


def test_an_item_without_its_key_is_refused():
    with pytest.raises(BadRequest, match="declared merge key: name"):
        strategic_patch(pod(A), pod({"image": "x"}), POD)
