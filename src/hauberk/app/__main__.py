"""`python -m hauberk.app OPTIONS.json`: the control plane of one embedded cluster."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from pathlib import Path

import uvloop

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # before grpc is imported: its fork handlers are noisy

from hauberk.app.run import run
from hauberk.base.files import write_whole
from hauberk.base.problems import Problem
from hauberk.cluster.options import PROBLEM, load

CANNOT_START = 78  # EX_CONFIG
LEVEL = os.environ.get("HAUBERK_LOG", "INFO").upper()


class KeyValues(logging.Formatter):
    """A constant message, then the record's extra fields as key=value."""

    KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it when there is one."""
        extra = "".join(f" {k}={v}" for k, v in vars(record).items() if k not in self.KNOWN)
        head, newline, trace = super().format(record).partition("\n")
        return f"{head}{extra}{newline}{trace}"


def main() -> int:
    """Set up logging and the loop, then serve until told to stop; returns the exit status."""
    gc.freeze()  # what was imported stays: no collection has to look through it again
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValues("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=LEVEL, handlers=[handler])
    options = load(Path(sys.argv[1]))
    said = options.paths.run / PROBLEM
    said.unlink(missing_ok=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(options))
    except Problem as problem:
        logging.getLogger("hauberk").critical("cannot start", extra={"problem": str(problem)})
        tell(said, problem)
        return CANNOT_START
    return 0


def tell(file: Path, problem: Problem) -> None:
    """Leave the reason where `hauberk up` and `hauberk status` look, whole or not at all."""
    write_whole(file, json.dumps(problem.as_json()).encode())


if __name__ == "__main__":
    sys.exit(main())
