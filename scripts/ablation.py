"""The text of docs/reference/ablation.md: what each setting of the document is for, and what comes without.

The rows are tests/ablation/settings.yaml; tests/unit/checks/test_ablation.py makes each edit and asks
the doctor. `scripts/reference.py` writes the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
LEAD = """\
Every setting that the document makes, left out or inverted. One row, one edit of the manifests: the doctor
must name it with the row's code (`tests/unit/checks/test_ablation.py`); where a test is named, real
traffic on the embedded cluster shows the effect. A row without one says why, or **not shown yet**: there
the effect is what upstream documents.
The doctor's codes are those of [the checks](../checks/README.md).
"""
NOT_SHOWN = "**not shown yet**"


def rows() -> list[dict[str, Any]]:
    """The settings, in the document's order."""
    found: list[dict[str, Any]] = yaml.safe_load((TESTS / "ablation" / "settings.yaml").read_text())
    return found


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _shown(row: dict[str, Any]) -> str:
    if "live" in row:
        file, _, test = row["live"].partition("::")
        return f"`{file}` `{test}`"
    return _cell(str(row.get("not_live", NOT_SHOWN)))


def _row(row: dict[str, Any]) -> str:
    without = row["without"] + (f" {row['differs']}" if "differs" in row else "")
    code = f"[{row['code']}](../checks/{row['code']}.md)"
    cells = [row["setting"], row["purpose"], without]
    return f"| {' | '.join(_cell(c) for c in cells)} | {code} | {_shown(row)} |"


def page() -> str:
    """The page without its title and head line."""
    found = rows()
    live = sum("live" in row for row in found)
    told = f"{len(found)} settings; the doctor names all, and the effect of {live} is shown on the cluster.\n"
    head = "| setting | what it is for | without it | check | shown on the embedded cluster by |"
    return "\n".join([LEAD, told, head, "|---|---|---|---|---|", *map(_row, found), ""])
