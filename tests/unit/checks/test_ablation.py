"""Every setting of the document, left out or inverted: the doctor names it, the proof on a cluster exists."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk.checks.table import BY_CODE
from hauberk.testing.worlds import Edit, codes, drop, made, put, without

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import ablation  # noqa: E402 - the script that writes the page

GOOD = list(yaml.safe_load_all((Path(__file__).parent / "document.yaml").read_text()))
ROWS = ablation.rows()


def edit_of(row: dict[str, Any]) -> Edit:
    ((verb, arguments),) = row["edit"].items()
    if verb == "without":
        return without(arguments)
    return {"drop": drop, "put": put}[verb](*arguments)


def test_the_document_itself_is_clean() -> None:
    assert codes(GOOD) == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_doctor_names_what_is_left_out(row: dict[str, Any]) -> None:
    assert row["code"] in codes(made(GOOD, [edit_of(row)]))


@pytest.mark.parametrize("row", [r for r in ROWS if "live" in r], ids=lambda row: row["id"])
def test_the_proof_on_a_cluster_exists(row: dict[str, Any]) -> None:
    file, _, name = row["live"].partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_says_all_that_the_page_prints(row: dict[str, Any]) -> None:
    assert row["code"] in BY_CODE
    assert all(row[field].endswith(".") for field in ("purpose", "without"))
    assert not ("live" in row and "not_live" in row)
    assert set(row) <= {"id", "setting", "edit", "purpose", "without", "code", "live", "not_live", "differs"}


def test_every_setting_is_there_once() -> None:
    assert [name for name, times in Counter(row["id"] for row in ROWS).items() if times > 1] == []


def test_every_component_that_the_document_puts_into_the_mesh_is_looked_at() -> None:
    """One row stands for the workloads of a component: each of them is named by its own finding."""
    wanted = {"KnativeServing/knative-serving": "HBK1504", "KnativeEventing/knative-eventing": "HBK1602"}
    wanted["KnativeKafka/knative-kafka"] = "HBK1633"
    for name, code in wanted.items():
        (obj,) = [o for o in GOOD if f"{o['kind']}/{o['metadata']['name']}" == name]
        for index, workload in enumerate(obj["spec"]["workloads"]):
            if "labels" in workload:
                found = codes(made(GOOD, [drop(name, f"spec.workloads.{index}.labels")]))
                assert code in found, workload["name"]


def test_the_page_has_a_row_for_each() -> None:
    assert len(re.findall(r"^\| ", ablation.page(), re.MULTILINE)) == len(ROWS) + 1
