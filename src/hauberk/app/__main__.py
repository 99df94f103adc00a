"""`python -m hauberk.app OPTIONS.json`: the control plane of one embedded cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import uvloop

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # before grpc is imported: its fork handlers are noisy

from hauberk.app.run import run
from hauberk.cluster.options import load

LEVEL = os.environ.get("HAUBERK_LOG", "INFO").upper()


class KeyValues(logging.Formatter):
    """A constant message, then the record's extra fields as key=value."""

    KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it when there is one."""
        extra = "".join(f" {k}={v}" for k, v in vars(record).items() if k not in self.KNOWN)
        head, newline, trace = super().format(record).partition("\n")
        return f"{head}{extra}{newline}{trace}"


def main() -> None:
    """Set up logging and the loop, then serve until told to stop."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValues("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=LEVEL, handlers=[handler])
    options = load(Path(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options))


if __name__ == "__main__":
    main()
