"""What old clients ask for before they apply."""

from __future__ import annotations

import orjson

from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.openapi import OpenApi
from hauberk.kinds import KINDS

API = OpenApi(Catalog.of(KINDS))


def fields(message: bytes) -> dict[int, bytes]:
    """Length-delimited fields of a protobuf message whose lengths fit one byte."""
    out = {}
    while message:
        key, length = message[0], message[1]
        assert key & 7 == 2
        out[key >> 3], message = message[2 : 2 + length], message[2 + length :]
    return out


def test_an_old_kubectl_is_told_the_version_and_no_definition() -> None:
    """With a definition it would refuse the document's defects itself; without one the server judges."""
    document = fields(API.v2_header())
    assert document[1] == b"2.0"
    assert fields(document[2])[2].startswith(b"v1.")
    assert set(document) == {1, 2}


def test_others_get_every_definition_as_json() -> None:
    assert len(orjson.loads(API.v2())["definitions"]) > len(KINDS)
