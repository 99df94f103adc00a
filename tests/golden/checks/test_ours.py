"""The doctor on our own manifests: what we render is clean; the document has what it does wrong itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.checks import files, judge
from hauberk.integration.load import parse
from hauberk.integration.profiles import PROFILES, make_service, stages
from hauberk.integration.render import render, render_object, render_stream
from hauberk.testing.integrations import text_of

ROOT = Path(__file__).parents[3]
RENDERED = sorted((ROOT / "tests" / "golden" / "integration").glob("*.out.yaml"))
INPUTS = sorted((ROOT / "tests" / "golden" / "integration").glob("*.in.yaml"))
NOW = 1_790_000_000.0


def found(*texts: tuple[str, str]) -> list[str]:
    return [f"{f.code} {f.place} {f.found}" for f in judge.run(files.world_of(texts, now=NOW)).findings]


@pytest.mark.parametrize("file", RENDERED, ids=lambda f: f.name)
def test_what_every_profile_renders_has_no_findings(file: Path) -> None:
    assert found((file.name, file.read_text())) == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("file", INPUTS, ids=lambda f: f.name)
def test_separate_files_are_as_clean_as_the_stream(file: Path, profile: str) -> None:
    made = stages(parse(text_of(file, profile)))
    texts = [(name, text) for name, text in render(made, "hauberk.yaml") if name not in files.NOT_MANIFESTS]
    assert found(*texts) == []


def test_the_documents_example_has_its_own_annotation_and_nothing_else() -> None:
    texts = files.manifests([str(ROOT / "examples" / "document")])
    (only,) = found(*texts)
    assert only.startswith("HBK1522 ")
    assert "08-knative-service.yaml:12" in only


@pytest.mark.parametrize("name", ["hello.yaml", "kourier.yaml"])
def test_other_examples_have_no_findings(name: str) -> None:
    assert found(*files.manifests([str(ROOT / "examples" / name)])) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rendered_service_has_at_most_the_documents_annotation(profile: str) -> None:
    integration = parse(text_of(INPUTS[-1], profile))
    service = make_service(integration, integration.projects[0], "hello", "example.com/hello")
    texts = (("all.yaml", render_stream(stages(integration), "x")), ("hello.yaml", render_object(service)))
    assert {line.split()[0] for line in found(*texts)} == ({"HBK1522"} if profile == "sm2" else set())
