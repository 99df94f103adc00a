"""Reads the project's Markdown pages as tests see them: code blocks, what they must print, links.

A block marked `sh` is run by tests/system/docs, in the order of its page. A line `#=> TEXT` in it
says that TEXT is part of a line that the block prints. `<!-- not run: REASON -->` on the line above
a block exempts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w*)\s*$")
_EXEMPT = re.compile(r"^<!-- not run: (.+) -->$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
_EXPECT = "#=> "


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `line` is its first line's number in the page; `exempt` the reason not to run it."""

    line: int
    language: str
    text: str
    exempt: str = ""

    @property
    def expected(self) -> tuple[str, ...]:
        """What must be part of its output."""
        lines = (line.strip() for line in self.text.splitlines())
        return tuple(line.removeprefix(_EXPECT) for line in lines if line.startswith(_EXPECT))


def blocks(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    above, language, body, start = "", None, [""], 0
    for number, line in enumerate(markdown.splitlines(), start=1):
        fence = _FENCE.match(line)
        if language is None and fence:
            language, body, start = fence[1], [], number + 1
        elif language is not None and fence:
            exempt = _EXEMPT.match(above)
            yield Block(start, language, "\n".join(body), exempt[1] if exempt else "")
            above, language = "", None
        elif language is not None:
            body.append(line)
        elif line.strip():
            above = line.strip()


def links(markdown: str) -> Iterator[str]:
    """The targets of links and pictures, outside of code."""
    prose, inside = [], False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            prose.append(re.sub(r"`[^`]*`", "", line))
    for found in _LINK.finditer("\n".join(prose)):
        yield found[1] or found[2]


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
