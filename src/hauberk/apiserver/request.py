"""Who asks for a write, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FieldValidation = Literal["Ignore", "Warn", "Strict"]

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated client."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def info(self) -> dict[str, Any]:
        """The user as `UserInfo` of authentication.k8s.io."""
        found: dict[str, Any] = {"username": self.name, "groups": list(self.groups)}
        if self.uid:
            found["uid"] = self.uid
        if self.extra:
            found["extra"] = {key: list(values) for key, values in self.extra}
        return found

    @property
    def is_master(self) -> bool:
        """Whether nothing is forbidden to this user."""
        return MASTERS in self.groups


CONTROL_PLANE = User("system:hauberk", (MASTERS, AUTHENTICATED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One write: by whom, upon which subresource, and what becomes of its Warnings."""

    manager: str
    user: User = CONTROL_PLANE
    subresource: str = ""
    api_version: str = ""  # as the client wrote it; empty: the stored one
    dry_run: bool = False
    field_validation: FieldValidation = "Ignore"
    advise: bool = False  # collect Warnings: nobody reads those of the control plane's own writes
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)  # what admission says to the audit log

    def warn(self, text: str) -> None:
        """Tell the client, once."""
        if text not in self.warnings:
            self.warnings.append(text)
