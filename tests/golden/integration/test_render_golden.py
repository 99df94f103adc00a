"""What `hauberk render` writes, whole, for each profile. UPDATE_GOLDEN=1 rewrites the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hauberk.integration.load import parse
from hauberk.integration.profiles import PROFILES, stages
from hauberk.integration.render import render_stream
from hauberk.testing.integrations import text_of

HERE = Path(__file__).parent
CASES = [(case, profile) for case in ("plain", "everything") for profile in PROFILES]


@pytest.mark.parametrize(("case", "profile"), CASES, ids=lambda value: str(value))
def test_the_manifests_are_these(case: str, profile: str) -> None:
    wanted = parse(text_of(HERE / f"{case}.in.yaml", profile))
    rendered = render_stream(stages(wanted), "hauberk.yaml")
    file = HERE / f"{case}.{profile}.out.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(rendered)
    assert rendered == file.read_text()
