from __future__ import annotations

import pytest

from hauberk.apiserver import jsonpath, selectors
from hauberk.apiserver.auth import by_client_certificate
from hauberk.apiserver.decode import decode, duplicate_keys
from hauberk.apiserver.http import warning_header
from hauberk.apiserver.protobuf import MEDIA_TYPE, decode_protobuf
from hauberk.apiserver.table import make_table
from hauberk.base.apierrors import BadRequest, UnsupportedMediaType
from hauberk.kinds import BY_ID, walk
from hauberk.kinds.testing import a


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("a=b", {"a": "b"}, True),
        ("a==b,c!=d", {"a": "b"}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (x, y)", {"a": "y"}, True),
        ("a notin (x,y),b", {"b": ""}, True),
        ("!a", {"a": "b"}, False),
        ("a", {}, False),
        ("n>3", {"n": "4"}, True),
        ("n<3", {"n": "4"}, False),
        ("app.kubernetes.io/name=x", {"app.kubernetes.io/name": "x"}, True),
    ],
)
def test_label_selectors(text, labels, matches):
    test = selectors.labels(text)
    assert test is not None
    assert test({"metadata": {"labels": labels}}) is matches


@pytest.mark.parametrize("text", ["=x", "a in x", "a,,b", "a b", "n>x"])
def test_malformed_label_selectors_are_refused(text):
    with pytest.raises(BadRequest):
        selectors.labels(text)


def test_field_selectors_know_the_fields_of_the_kind():
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Running"}}
    assert selectors.fields("status.phase!=Failed,metadata.name=p", "Pod")(pod)
    with pytest.raises(BadRequest, match=r"field label not supported: status\.phase"):
        selectors.fields("status.phase=Active", "ConfigMap")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b", [1]),
        (".l[0].x", [1]),
        (".l[-1].x", [2]),
        (".l[*].x", [1, 2]),
        ('.c[?(@.type=="Ready")].status', ["True"]),
        (".m.k\\.l", ["v"]),
        (".m['k.l']", ["v"]),
        (".none.x", []),
    ],
)
def test_json_paths(path, found):
    obj = {
        "a": {"b": 1},
        "l": [{"x": 1}, {"x": 2}],
        "c": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}],
        "m": {"k.l": "v"},
    }
    assert jsonpath.find(obj, path) == found


def test_repeated_keys_are_named_with_their_path():
    body = b'{"spec": {"l": [{"a": 1, "a": 2}]}, "kind": "X", "kind": "Y"}'
    assert duplicate_keys(body) == ['duplicate field "spec.l[0].a"', 'duplicate field "kind"']
    assert duplicate_keys(b'{"a": {"b": 1}, "c": {"b": 1}}') == []


def test_yaml_keeps_times_as_text_and_keys_as_text():
    assert decode(b"a: 2020-01-01T00:00:00Z\n8080: x\n", "application/yaml") == {
        "a": "2020-01-01T00:00:00Z",
        "8080": "x",
    }


@pytest.mark.parametrize(
    ("body", "media", "error"),
    [
        (b"{", "application/json", BadRequest),
        (b"\xff\xfe", "application/json", BadRequest),
        (b"a: [", "application/yaml", BadRequest),
        (b"a: &x [1]\nb: *x\n", "application/yaml", BadRequest),
        (b"[" * 100_000, "application/yaml", BadRequest),
        (b"<a/>", "text/xml", UnsupportedMediaType),
        (b"no magic", MEDIA_TYPE, BadRequest),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(body, media, error):
    with pytest.raises(error):
        decode(body, media)


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def test_protobuf_bodies_read_as_their_json():
    meta = field(1, field(1, b"s") + field(2, b"") + field(11, field(1, b"l") + field(2, b"v")))
    secret = meta + field(2, field(1, b"k") + field(2, b"\x01")) + field(3, b"Opaque") + field(5, 0)
    known = field(1, field(1, b"v1") + field(2, b"Secret")) + field(2, secret)
    assert decode_protobuf(b"k8s\x00" + known) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "labels": {"l": "v"}},
        "data": {"k": "AQ=="},
        "type": "Opaque",
        "immutable": False,
    }
    for cut in range(5, len(known)):
        try:
            decode_protobuf(b"k8s\x00" + known[:cut])
        except BadRequest:
            continue


def test_the_edge_names_the_user():
    user = by_client_certificate(
        {"x-forwarded-client-cert": 'Hash=ab;Subject="CN=a\\\\,b,O=system:masters,O=x"'}
    )
    assert user is not None
    assert user.name == "a\\" or user.name == "a,b"
    assert user.is_master
    assert by_client_certificate({"x-forwarded-client-cert": "Hash=ab"}) is None
    assert by_client_certificate({}) is None


def test_warnings_cannot_break_out_of_their_header():
    assert warning_header('a "b"\r\nx: y') == '299 - "a \\"b\\"  x: y"'


def test_unknown_and_inert_fields_are_named_and_status_is_not():
    kind = BY_ID["Pod"]
    pod = a("Pod", status={"nope": 1}, metadata={"nope": 1})
    pod["spec"] = {"containers": [{"name": "x", "image": "y", "nope": 1, "ports": [{"hostPort": 80}]}]}
    assert sorted(walk.warnings(kind, pod)) == [
        "spec.containers[0].ports[0].hostPort: has no effect on the embedded cluster yet",
        'unknown field "metadata.nope"',
        'unknown field "spec.containers[0].nope"',
    ]


def test_a_table_has_the_columns_of_its_kind():
    table = make_table(BY_ID["ConfigMap"], [a("ConfigMap", data={"x": "y"})], 0.0, "None", {})
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 1]
