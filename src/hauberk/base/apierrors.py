"""The errors of the Kubernetes API, as exceptions with upstream's codes and reasons.

Source: apimachinery pkg/api/errors/errors.go and apis/meta/v1/types.go (StatusReason).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hauberk.base.fields import FieldError
from hauberk.base.refs import Ref


class ApiError(Exception):
    """A refused request. Subclasses fix `code` and `reason`."""

    code = 500
    reason = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        ref: Ref | None = None,
        causes: Sequence[FieldError] = (),
        retry_after_s: int = 0,
        meta: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.ref, self.causes = message, ref, tuple(causes)
        self.retry_after_s = retry_after_s
        self.meta = meta or {}  # of the Status, such as the token to go on with

    def status(self) -> dict[str, Any]:
        """The `v1 Status` object that a client receives."""
        details: dict[str, Any] = {}
        if self.ref is not None:
            kind, _, group = self.ref.kind.partition(".")
            details = {"name": self.ref.name, "group": group, "kind": kind}
        if self.causes:
            details["causes"] = [
                {"reason": c.reason, "message": c.message, "field": c.path} for c in self.causes
            ]
        if self.retry_after_s:
            details["retryAfterSeconds"] = self.retry_after_s
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.meta),
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
            **({"details": details} if details else {}),
        }


class BadRequest(ApiError):
    """The request cannot be understood."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """The client did not prove who it is."""

    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    """The client may not do this, or an admission step refused it."""

    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    """There is no such object or resource."""

    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    """The resource does not know this verb."""

    code, reason = 405, "MethodNotAllowed"


class AlreadyExists(ApiError):
    """An object with this name is there already."""

    code, reason = 409, "AlreadyExists"


class Conflict(ApiError):
    """The object changed since it was read, or another manager owns the field."""

    code, reason = 409, "Conflict"


class Gone(ApiError):
    """The asked-for revision has been compacted: list again."""

    code, reason = 410, "Expired"


class Invalid(ApiError):
    """The object breaks rules of its kind; `causes` name the fields."""

    code, reason = 422, "Invalid"


class UnsupportedMediaType(ApiError):
    """The body's content type is not one this resource takes."""

    code, reason = 415, "UnsupportedMediaType"


class TooManyRequests(ApiError):
    """Not now; later perhaps."""

    code, reason = 429, "TooManyRequests"
