"""One value changes; every comment, order and style beside it stays as it was."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hauberk.integration.day2.edit import Append, Drop, Edit, Put, edited

FILE = """\
# ours
domain: apps.example.com  # the cluster's

members:  # keep sorted
  - knative-serving
  - shop  # the shop

kafka: {enabled: false}
metrics:
  # for the people of monitoring
  enabled: false  # not yet
  namespace: monitoring

tenants:
- name: a  # the first
  namespaces: [shop]
- name: b
  namespaces:
  - bank
# the end
"""


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (Put(("metrics", "enabled"), True), "enabled: false  # not yet", "enabled: true  # not yet"),
        (Put(("kafka", "enabled"), True), "{enabled: false}", "{enabled: true}"),
        (Put(("kafka", "partitions"), 3), "{enabled: false}", "{enabled: false, partitions: 3}"),
        (
            Put(("metrics", "more"), 1),
            "  namespace: monitoring\n",
            "  namespace: monitoring\n  more: 1\n",
        ),
        (
            Put(("secretFiltering",), False),
            "  - bank\n# the end\n",
            "  - bank\nsecretFiltering: false\n# the end\n",
        ),
        (
            Put(("networkPolicies", "serverless"), False),
            "  - bank\n# the end\n",
            "  - bank\nnetworkPolicies:\n  serverless: false\n# the end\n",
        ),
        (Append(("members",), "bank"), "  - shop  # the shop\n", "  - shop  # the shop\n  - bank\n"),
        (
            Append(("tenants",), {"name": "c", "namespaces": ["u", "v"]}),
            "  - bank\n",
            "  - bank\n- {name: c, namespaces: [u, v]}\n",
        ),
        (
            Append(("tenants", 0, "namespaces"), "more"),
            "namespaces: [shop]",
            "namespaces: [shop, more]",
        ),
        (Drop(("tenants", 0)), "- name: a  # the first\n  namespaces: [shop]\n", ""),
        (Drop(("tenants", 1)), "- name: b\n  namespaces:\n  - bank\n", ""),
        (Drop(("metrics", "namespace")), "  namespace: monitoring\n", ""),
        (Drop(("tenants", 0, "namespaces", 0)), "namespaces: [shop]", "namespaces: []"),
    ],
)
def test_nothing_else_changes(edit: Edit, before: str, after: str) -> None:
    assert FILE.count(before) == 1
    assert edited(FILE, edit) == FILE.replace(before, after)


@pytest.mark.parametrize("text", ["a: 1\nmetrics:\n", "a: 1\nmetrics: ~\n", "a: 1\n", "a: 1", "{a: 1}\n"])
def test_a_key_that_is_empty_or_missing_is_made(text: str) -> None:
    found = yaml.safe_load(edited(text, Put(("metrics", "enabled"), True)))
    assert found == {"a": 1, "metrics": {"enabled": True}}


def test_a_list_that_is_missing_is_made_and_the_last_row_leaves_an_empty_one() -> None:
    one = edited("a: 1\n", Append(("tenants",), {"name": "x"}))
    assert yaml.safe_load(one)["tenants"] == [{"name": "x"}]
    assert yaml.safe_load(edited(one, Drop(("tenants", 0))))["tenants"] == []
    block = "tenants:\n- name: x  # gone\n  namespaces: [a]\n"
    assert yaml.safe_load(edited(block, Drop(("tenants", 0)))) == {"tenants": []}


def test_several_edits_are_made_in_order() -> None:
    text = edited(FILE, Append(("members",), "bank"), Drop(("tenants", 1)), Put(("domain",), "b.example.com"))
    found = yaml.safe_load(text)
    assert (found["members"][-1], len(found["tenants"]), found["domain"]) == ("bank", 1, "b.example.com")
    assert "# the cluster's" in text


def test_what_is_not_there_cannot_be_dropped() -> None:
    with pytest.raises(LookupError):
        edited(FILE, Drop(("tenants", 5)))


NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=5), NAMES, st.booleans())
def test_whatever_is_appended_is_read_back(names: list[str], more: str, block: bool) -> None:
    text = yaml.safe_dump({"members": names, "z": 1}, default_flow_style=not block)
    assert yaml.safe_load(edited(text, Append(("members",), more)))["members"] == [*names, more]
