"""The page of conformance is made of rows and proofs that exist."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import conformance  # the script that writes the page

ROWS = [must for spec in conformance.specifications() for must in spec["musts"]]


def test_every_id_is_there_once() -> None:
    assert [name for name, times in Counter(m["id"] for m in ROWS).items() if times > 1] == []


def test_every_proof_names_a_row() -> None:
    known = {must["id"] for must in ROWS}
    assert [p for p in conformance.proofs() if p.must not in known] == []


def test_every_row_has_a_section_and_a_sentence() -> None:
    assert [m["id"] for m in ROWS if not m["section"] or not m["says"].endswith(".")] == []
