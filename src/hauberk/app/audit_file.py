"""The audit log's file: lines of JSON, 0600, one older file beside each full one.

A disk that takes no more lines does not stop the API: the control plane's log says so once.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import yaml

from hauberk.apiserver.audit import DEFAULT, Audit, Rule, policy_of
from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.ports import Clock

log = logging.getLogger(__name__)

POLICY = "audit-policy.yaml"  # in the data directory; the usual policy when it is not there
FILE = "audit.log"  # among the logs
MOST_BYTES, KEPT = 16 * 1024 * 1024, 4


class AuditFile:
    """Takes lines; `audit.log`, then `audit.log.1` and so on, the oldest last."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path, self._most = path, most_bytes
        self._fd, self._size = -1, 0
        self._silent = False

    def write(self, line: bytes) -> None:
        """Append one line."""
        try:
            if self._fd < 0 or self._size + len(line) > self._most:
                self._begin(len(line))
            os.write(self._fd, line)
        except OSError as error:
            if not self._silent:
                self._silent = True
                log.warning("the audit log cannot be written", extra={"error": str(error)})
            return
        self._silent = False
        self._size += len(line)

    def _begin(self, more: int) -> None:
        self.close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = self._path.stat().st_size if self._path.exists() else 0
        if size and size + more > self._most:
            for number in range(KEPT - 1, 0, -1):
                older = self._named(number - 1)
                if older.exists():
                    older.rename(self._named(number))
            size = 0
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = size

    def _named(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def audit(paths: Paths, clock: Clock) -> Audit:
    """The cluster's audit log, by the policy in its data directory. Problem."""
    return Audit(_policy(paths.data / POLICY), AuditFile(paths.logs / FILE).write, clock)


def _policy(path: Path) -> tuple[Rule, ...]:
    if not path.exists():
        return policy_of(DEFAULT)
    try:
        return policy_of(yaml.safe_load(path.read_bytes()))
    except (OSError, yaml.YAMLError) as error:
        raise Problem(
            "the audit policy cannot be read",
            wanted=f"YAML of kind Policy (audit.k8s.io/v1): {path}",
            found=str(error),
            fix=f"correct it, or remove it for the usual policy: rm {path}",
        ) from error
