"""The query of a list or a watch, read and checked.

Source: apimachinery pkg/apis/meta/internalversion/validation/validation.go, ValidateListOptions;
apiserver pkg/storage/errors.go, NewTooLargeResourceVersionError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hauberk.apiserver.http import HttpRequest
from hauberk.base.apierrors import ApiError, BadRequest, Invalid
from hauberk.base.fields import FieldError
from hauberk.base.refs import Ref

EXACT, NOT_OLDER = "Exact", "NotOlderThan"


class Timeout(ApiError):
    """What was asked for is still to come."""

    code, reason = 504, "Timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """What a list or a watch asks for, besides its selectors."""

    revision: int | None = None  # None: the latest
    match: str = ""
    limit: int = 0  # 0: everything
    token: str = ""
    initial: bool | None = None  # sendInitialEvents
    bookmarks: bool = False
    timeout_s: float | None = None

    @property
    def exact(self) -> bool:
        """Whether only the state at that very revision will do."""
        # Pages of a named revision are of that revision, as they were before there was a `match`.
        return self.match == EXACT or (not self.match and bool(self.revision) and self.limit > 0)


def list_options(request: HttpRequest, *, watch: bool = False) -> ListOptions:
    """Read the query. BadRequest, Invalid."""
    asked = ListOptions(
        revision=revision_of(request),
        match=request.query.get("resourceVersionMatch", ""),
        limit=max(0, request.number("limit") or 0),
        token=request.query.get("continue", ""),
        initial=request.flag("sendInitialEvents") if "sendInitialEvents" in request.query else None,
        bookmarks=request.flag("allowWatchBookmarks"),
        timeout_s=float(request.number("timeoutSeconds") or 0) or None,
    )
    problems = list(_watch_problems(asked) if watch else _list_problems(asked))
    if problems:
        raise invalid_options("ListOptions", problems)
    if not watch and asked.token and asked.revision:
        raise BadRequest("specifying resource version is not allowed when using continue")
    return asked


def revision_of(request: HttpRequest) -> int | None:
    """`resourceVersion` of the query. BadRequest."""
    text = request.query.get("resourceVersion", "")
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def invalid_options(kind: str, problems: list[FieldError]) -> Invalid:
    """The refusal of a query, as of an object of that kind."""
    texts = [str(p) for p in problems]
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    ref = Ref(f"{kind}.meta.k8s.io", "", "")
    return Invalid(f'{kind}.meta.k8s.io "" is invalid: {told}', ref=ref, causes=problems)


def too_large(asked: int, current: int) -> Timeout:
    """No such revision yet."""
    cause = FieldError("", "Too large resource version", "ResourceVersionTooLarge")
    text = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Timeout(text, causes=[cause], retry_after_s=1)


def _forbidden(field: str, text: str) -> FieldError:
    return FieldError(field, f"Forbidden: {text}", "FieldValueForbidden")


def _unsupported(match: str, *known: str) -> FieldError:
    shown = ", ".join(f'"{k}"' for k in known)
    text = f'Unsupported value: "{match}": supported values: {shown}'
    return FieldError("resourceVersionMatch", text, "FieldValueNotSupported")


def _list_problems(asked: ListOptions) -> Iterator[FieldError]:
    field = "resourceVersionMatch"
    if asked.match:
        if asked.revision is None:
            yield _forbidden(field, f"{field} is forbidden unless resourceVersion is provided")
        if asked.token:
            yield _forbidden(field, f"{field} is forbidden when continue is provided")
        if asked.match not in (EXACT, NOT_OLDER):
            yield _unsupported(asked.match, EXACT, NOT_OLDER, "")
        if asked.match == EXACT and asked.revision == 0:
            yield _forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"')
    if asked.initial is not None:
        yield _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_problems(asked: ListOptions) -> Iterator[FieldError]:
    field = "resourceVersionMatch"
    if asked.initial is not None and asked.match != NOT_OLDER:
        yield _forbidden(field, f"sendInitialEvents requires setting {field} to {NOT_OLDER}")
    if asked.match:
        if asked.initial is None:
            yield _forbidden(field, f"{field} is forbidden for watch unless sendInitialEvents is provided")
        if asked.match != NOT_OLDER:
            yield _unsupported(asked.match, NOT_OLDER)
        if asked.token:
            yield _forbidden(field, f"{field} is forbidden when continue is provided")
