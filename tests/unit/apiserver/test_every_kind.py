from __future__ import annotations

import pytest

from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.discovery import aggregated, group_list
from hauberk.apiserver.openapi import OpenApi
from hauberk.apiserver.validation import check_rules, check_structure, normal
from hauberk.base.apierrors import ApiError
from hauberk.kinds import KINDS
from hauberk.kinds.schema import component_name, openapi
from hauberk.kinds.testing import a

STORED = [kind for kind in KINDS if not kind.extra.get("virtual")]


@pytest.mark.parametrize("kind", STORED, ids=lambda k: k.id)
def test_the_minimal_object_is_valid(kind):
    obj = normal(kind, a(kind.id))
    check_structure(kind, obj)
    check_rules(kind, kind.default(obj), None, strict=False)


def test_references_of_schemas_lead_somewhere():
    for kind in KINDS:
        parts = openapi(kind)
        assert parts[component_name(kind)]["properties"]["metadata"]
        text = str(parts)
        for name in {piece.split("'")[0] for piece in text.split("#/components/schemas/")[1:]}:
            assert name in parts, f"{kind.id}: {name}"


def test_every_group_version_has_a_document_and_is_discovered():
    catalog = Catalog.of(KINDS)
    documents = OpenApi(catalog)
    for name in documents.index()["paths"]:
        assert documents.document(name)
    found = {row["name"] for row in group_list(catalog)["groups"]}
    assert found == {k.group for k in KINDS if k.group}
    rows = aggregated(catalog, core=False)["items"]
    assert {row["metadata"]["name"] for row in rows} == found


@pytest.mark.parametrize(
    "meta", [{"ownerReferences": True}, {"finalizers": "x"}, {"managedFields": [1]}, {"generateName": 1}]
)
def test_metadata_of_a_wrong_type_is_refused_for_every_kind(meta):
    for kind in KINDS:
        with pytest.raises(ApiError) as refused:
            check_structure(kind, {"metadata": {"name": "a", **meta}})
        assert refused.value.code in (400, 422)
