"""The text of docs/reference/clients.md: which client does what against a running cluster.

The rows are tests/system/clients/matrix.yaml, which tests/system/clients/test_clients.py holds: each cell is
a test, and a client that does more or less than its row says fails one. scripts/reference.py writes the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MATRIX = Path(__file__).parents[1] / "tests" / "system" / "clients" / "matrix.yaml"
LEAD = """\
What clients do against a running cluster. Each `✓` is a test
(`test_a_client_does_its_work[CLIENT-OPERATION]` in [tests/system/clients](../../tests/system/clients)):
the client's own code, unchanged, over TLS through the edge. An empty cell is not tried, mostly because the
client has no such call.
"""


def page() -> str:
    """The table and what its rows mean."""
    matrix: dict[str, Any] = yaml.safe_load(MATRIX.read_text())
    clients, operations = matrix["clients"], matrix["operations"]
    lines = [
        "| | " + " | ".join(clients) + " |",
        "|---|" + "---|" * len(clients),
    ]
    for operation in operations:
        cells = ("✓" if operation in row["does"] else "" for row in clients.values())
        lines.append(f"| {operation} | " + " | ".join(cells) + " |")
    who = "\n".join(f"* **{name}**: {row['what']}" for name, row in clients.items())
    what = "\n".join(f"* **{name}**: {text}" for name, text in operations.items())
    table = "\n".join(lines)
    return f"{LEAD}\n{table}\n\n## Clients\n\n{who}\n\n## Operations\n\nThe client …\n\n{what}\n"
