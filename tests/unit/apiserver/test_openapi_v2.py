"""What old clients ask for before they apply."""

from __future__ import annotations

import orjson

from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.openapi import OpenApi
from hauberk.kinds import KINDS

API = OpenApi(Catalog.of(KINDS))


def fields(message: bytes) -> dict[int, list[bytes]]:
    """Length-delimited fields of a protobuf message; numbers are left out."""
    out: dict[int, list[bytes]] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 2:
            size = varint()
            out.setdefault(key >> 3, []).append(message[at : at + size])
            at += size
        elif key & 7 == 1:
            at += 8
        else:
            varint()
    return out


def test_an_old_kubectl_is_told_the_version_and_no_definition() -> None:
    """With a definition it would refuse the document's defects itself; without one the server judges."""
    document = fields(API.v2_protobuf("kubectl/v1.20.2 (linux/amd64) kubernetes/$Format"))
    assert document[1] == [b"2.0"]
    assert fields(document[2][0])[2][0].startswith(b"v1.")
    assert document[9] == [b""]


def test_a_kubectl_of_today_finds_every_kind_by_its_group_version_and_kind() -> None:
    document = fields(API.v2_protobuf("kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd"))
    named = [fields(row) for row in fields(document[9][0])[1]]
    found = {}
    for row in named:
        schema = fields(row[2][0])
        for extension in (fields(e) for e in schema.get(31, [])):
            if extension[1] == [b"x-kubernetes-group-version-kind"]:
                for gvk in orjson.loads(fields(extension[2][0])[2][0]):
                    found[gvk["group"], gvk["version"], gvk["kind"]] = schema
    assert {(k.group, v, k.name) for k in KINDS for v in k.versions} <= set(found)
    deployment = found["apps", "v1", "Deployment"]
    properties = [fields(p)[1][0].decode() for p in fields(deployment[25][0])[1]]
    assert {"metadata", "spec", "status"} <= set(properties)


def test_others_get_every_definition_as_json() -> None:
    assert len(orjson.loads(API.v2())["definitions"]) > len(KINDS)
