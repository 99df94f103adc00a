"""Every page's links lead somewhere, its blocks say what they are, and all pages are reachable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hauberk.testing import pages

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")])
LANGUAGES = {"sh", "text", "yaml", "python", "toml", ""}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_blocks_carry_their_place_their_reason_and_what_they_must_print() -> None:
    text = "a\n```sh\necho 1\n#=> 1\n```\n<!-- not run: packages -->\n```sh\napt\n```\n"
    run, exempt = pages.blocks(text)
    assert (run.line, run.expected, run.exempt) == (3, ("1",), "")
    assert (exempt.text, exempt.exempt) == ("apt", "packages")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in pages.links(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{_name(page)}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in pages.anchors(target.read_text()), f"{_name(page)}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_says_its_language(page: Path) -> None:
    assert {b.language for b in pages.blocks(page.read_text())} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_machine_of_its_writers(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(root|work|home/[a-z]+)/", page.read_text())


def test_every_page_is_linked_from_another() -> None:
    linked = set()
    for page in PAGES:
        for link in pages.links(page.read_text()):
            if not re.match(r"[a-z]+:", link):
                linked.add((page.parent / link.partition("#")[0]).resolve())
    folders = {p for p in linked if p.is_dir()}
    lost = [_name(p) for p in PAGES if p not in linked and p.parent not in folders and p.name != "README.md"]
    assert not lost


def test_both_readmes_have_the_same_blocks_in_the_same_order() -> None:
    def commands(name: str) -> list[str]:
        found = (b for b in pages.blocks((ROOT / name).read_text()) if b.language == "sh")
        return [re.sub(r"\s+#(?!=>).*", "", b.text) for b in found]

    assert commands("README.md") == commands("README.zh-CN.md")
