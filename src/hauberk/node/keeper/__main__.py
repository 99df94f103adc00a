"""`python -m hauberk.node.keeper --spec FILE`.

The spec is JSON: `run`, `data`, `logs` (directories), `edge` and `control_plane` (argument lists or null),
`result` (a file that appears when the keeper serves, `{"ok": {"pid", "inside_pid", "started_at"}}`, or
cannot, `{"problem": {"what", "wanted", "found", "fix", "see"}}`), `stop_s` (the deadline of an orderly
stop).
"""

from __future__ import annotations

import json
import os
import sys

from hauberk.node.keeper.outside import main


def _main(args: list[str]) -> int:
    if len(args) != 2 or args[0] != "--spec":
        os.write(2, b"usage: python -m hauberk.node.keeper --spec FILE\n")
        return 2
    with open(args[1]) as file:
        return main(json.load(file))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
