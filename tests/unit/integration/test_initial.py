"""hauberk init: its file is valid for every answer; the published schema accepts and explains it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk.integration.initial import Chosen, initial
from hauberk.integration.load import parse
from hauberk.integration.profiles import PROFILES
from hauberk.integration.schema import schema, text

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "hauberk.schema.json"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"kafka": ("a.kafka:9092", "b.kafka:9092"), "partitions": 3, "metrics": True},
        {"members": ("shop", "blog"), "tenants": (("one", ("shop",)), ("two", ("blog",)))},
        {"certificate": "cert-manager", "issuer": "corporate"},
        {"certificate": "ca", "ca_certificate": "ca.crt", "ca_key": "ca.key"},
        {"certificate": "secret"},
        {"eventing": False},
    ],
    ids=lambda more: ",".join(more) or "defaults",
)
def test_every_answer_makes_a_valid_file(profile: Any, more: dict[str, Any]) -> None:
    wanted = parse(initial(Chosen(profile=profile, **more)))
    assert wanted.profile == profile
    assert wanted.kafka.bootstrap_servers == tuple(more.get("kafka", ()))


def test_every_choice_is_explained_beside_it() -> None:
    lines = initial(Chosen(kafka=("a:1",))).splitlines()
    values = [line for line in lines if ": " in line and not line.startswith(("#", "apiVersion", "kind"))]
    assert all("  # " in line for line in values)


def test_the_file_names_its_schema_to_editors() -> None:
    assert initial(Chosen()).startswith("# yaml-language-server: $schema=hauberk.schema.json\n")


def _described(node: Any, path: str = "") -> list[str]:
    missing = []
    for name, part in node.get("$defs", {}).items():
        missing += _described(part, name)
    for key, below in node.get("properties", {}).items():
        missing += [] if below.get("description") else [f"{path}.{key}"]
    return missing


def test_every_field_has_a_description_and_no_unknown_one_is_allowed() -> None:
    made = schema()
    assert not _described(made)
    parts = [made, *made["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in parts if part.get("type") == "object")


def test_the_schema_names_what_must_be_there() -> None:
    assert set(schema()["required"]) == {"apiVersion", "kind", "domain", "members"}


def test_the_published_schema_is_this_one() -> None:
    assert PUBLISHED.read_text() == text()
    assert json.loads(text())["title"] == "hauberk.yaml"


def test_every_key_of_the_initial_file_is_in_the_schema() -> None:
    properties = schema()["properties"]
    assert set(yaml.safe_load(initial(Chosen(tenants=(("a", ("default",)),))))) <= set(properties)
