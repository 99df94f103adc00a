"""What Kafka's errors mean to a user: one sentence with the cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from aiokafka.errors import KafkaConnectionError


class _Causes(logging.Handler):
    """Keeps why a broker could not be connected to: aiokafka logs the cause and raises without it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.by_server: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) >= 3 and "nable" in str(record.msg):
            host, port, cause = record.args[0], record.args[1], record.args[-1]
            self.by_server[f"{host}:{port}"] = str(cause)


CAUSES = _Causes()
logging.getLogger("aiokafka").addHandler(CAUSES)


def text_of(error: BaseException, servers: str) -> str:
    """The cause of a failed call to the cluster at `servers`."""
    if isinstance(error, TimeoutError):
        return f"no answer from {servers} in time"
    if isinstance(error, KafkaConnectionError | OSError):
        causes = ", ".join(_causes(servers)) or str(error).partition("] ")[2] or type(error).__name__
        return f"cannot connect to {servers}: {causes}"
    said = str(error)
    return said if said.strip() else type(error).__name__


def _causes(servers: str) -> Iterator[str]:
    return (CAUSES.by_server[s] for s in servers.split(",") if s in CAUSES.by_server)
