"""The authorities' directory: created once, private, found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.base.problems import Problem
from hauberk.pki.authority import Authority
from hauberk.pki.inspect import is_signed_by

NOW = 1_800_000_000.0


def test_authorities_are_created_private_and_found_again(tmp_path: Path) -> None:
    first = Authority.open(tmp_path / "pki", NOW)
    second = Authority.open(tmp_path / "pki", NOW + 100)
    assert first.roots == second.roots
    assert first.token_key == second.token_key
    assert len({first.roots, first.cluster_roots, first.ingress_roots, first.service_roots}) == 4
    assert (tmp_path / "pki").stat().st_mode & 0o777 == 0o700
    assert {f.stat().st_mode & 0o777 for f in (tmp_path / "pki").iterdir()} == {0o600}
    pair = second.issue("spiffe://cluster.local/ns/a/sa/b", now=NOW)
    assert is_signed_by(pair.chain, first.roots)


def test_a_key_without_its_certificate_is_made_anew(tmp_path: Path) -> None:
    first = Authority.open(tmp_path, NOW)
    (tmp_path / "mesh.crt").unlink()
    assert Authority.open(tmp_path, NOW).roots != first.roots


def test_a_pair_that_does_not_fit_is_a_problem_with_its_fix(tmp_path: Path) -> None:
    Authority.open(tmp_path, NOW)
    (tmp_path / "mesh.key").write_bytes((tmp_path / "cluster.key").read_bytes())
    with pytest.raises(Problem) as told:
        Authority.open(tmp_path, NOW)
    assert "mesh.crt" in told.value.fix
