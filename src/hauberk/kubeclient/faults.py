"""Failures of a Kubernetes API, told so that the reader can act."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hauberk.base import apierrors
from hauberk.base.apierrors import ApiError
from hauberk.base.fields import FieldError
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref

_BY_REASON: Mapping[str, type[ApiError]] = {
    kind.reason: kind
    for kind in (
        apierrors.BadRequest,
        apierrors.Unauthorized,
        apierrors.Forbidden,
        apierrors.NotFound,
        apierrors.MethodNotAllowed,
        apierrors.AlreadyExists,
        apierrors.Conflict,
        apierrors.Gone,
        apierrors.Invalid,
        apierrors.UnsupportedMediaType,
    )
}
_BY_CODE = {kind.code: kind for kind in reversed(tuple(_BY_REASON.values()))}
_WEBHOOK = re.compile(r'(?:admission webhook|failed calling webhook) "([^"]+)"')
_MANAGER = re.compile(r'conflicts? with "([^"]+)"')


class Unreachable(Problem):
    """No answer from the API server."""


def error_of(code: int, body: Any, ref: Ref | None = None) -> ApiError:
    """The exception for a refused request: by the Status' reason, else by the HTTP code."""
    status = body if isinstance(body, Mapping) else {}
    details = status.get("details") or {}
    causes = tuple(
        FieldError(c.get("field", ""), c.get("reason", ""), c.get("message", ""))
        for c in details.get("causes") or ()
    )
    kind = _BY_REASON.get(status.get("reason", "")) or _BY_CODE.get(code, ApiError)
    message = status.get("message") or f"HTTP {code}: {str(body)[:300]}"
    error = kind(message, ref=ref, causes=causes, retry_after_s=int(details.get("retryAfterSeconds") or 0))
    if kind is ApiError:
        error.code, error.reason = code, status.get("reason") or "InternalError"
    return error


def unreachable(server: str, error: BaseException) -> Unreachable:
    """The Problem for a connection that failed; names no credential."""
    return Unreachable(
        f"the API server at {server} does not answer",
        wanted="an answer to a request",
        found=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
        fix="start the cluster or its network again, then run the same command: it goes on where it stopped",
    )


def problem_of(error: ApiError, doing: str, ref: Ref | None = None) -> Problem:
    """What a refused request means to the person at the keyboard, and what to do about it.

    `doing` completes "cannot …". Source: apimachinery pkg/api/errors (messages of webhooks and of apply).
    """
    ref = ref or error.ref
    hook = _WEBHOOK.search(error.message)
    if hook is not None:
        return _webhook(error, doing, hook.group(1))
    match error:
        case apierrors.Unauthorized():
            fix = "log in again (`oc login`, or a fresh token in the kubeconfig), then run the same command"
            wanted = "credentials that the API server accepts"
        case apierrors.Forbidden():
            fix = f"{_can_i(ref)}, then ask the cluster's administrator for that permission"
            wanted = "the permission to do it"
        case apierrors.Conflict() if error.causes or "conflict" in error.message.lower():
            return _conflict(error, doing, ref)
        case apierrors.NotFound():
            wanted, fix = "the object, or the namespace that it belongs in", "hauberk plan"
        case apierrors.Invalid() | apierrors.BadRequest():
            wanted, fix = "an object that the API accepts", "mend the named fields in hauberk.yaml"
        case _:
            wanted, fix = "the request carried out", "run the same command again: it goes on where it stopped"
    return Problem(f"cannot {doing}", wanted=wanted, found=_said(error), fix=fix)


@contextmanager
def explained(doing: str, ref: Ref | None = None) -> Iterator[None]:
    """Raise a refused request of the block as a Problem: "cannot `doing`"."""
    try:
        yield
    except ApiError as error:
        raise problem_of(error, doing, ref) from error


def managers_in(error: ApiError) -> tuple[str, ...]:
    """The field managers that a conflicting apply names, in order."""
    found = [m for cause in error.causes for m in _MANAGER.findall(cause.message)]
    return tuple(dict.fromkeys(found or _MANAGER.findall(error.message)))


def _said(error: ApiError) -> str:
    return f"{error.code} {error.reason}: {error.message}"


def _can_i(ref: Ref | None) -> str:
    if ref is None:
        return "kubectl auth can-i --list"
    where = f" -n {ref.namespace}" if ref.namespace else ""
    return f"kubectl auth can-i --list{where} | grep -i {ref.kind.partition('.')[0]}"


def _webhook(error: ApiError, doing: str, name: str) -> Problem:
    calls = "failed calling webhook" in error.message
    kinds = "validatingwebhookconfiguration,mutatingwebhookconfiguration"
    return Problem(
        f"cannot {doing}",
        wanted=f"webhook `{name}` to {'answer' if calls else 'admit the object'}",
        found=_said(error),
        fix=f"kubectl get {kinds} -o name, and see whether the Service behind `{name}` has ready pods"
        if calls
        else "change what the webhook names, or ask who owns it",
    )


def _conflict(error: ApiError, doing: str, ref: Ref | None) -> Problem:
    managers = managers_in(error)
    fields = ", ".join(c.path for c in error.causes if c.path) or "the object"
    if not managers:
        fix = "run the same command again: the object changed meanwhile"
        return Problem(f"cannot {doing}", wanted="the object as it was read", found=_said(error), fix=fix)
    return Problem(
        f"cannot {doing}",
        wanted=f"field manager `hauberk` to own {fields}",
        found=f"owned by {', '.join(f'`{m}`' for m in managers)} with another value",
        fix=f"agree with the owner of {ref}, or take the fields over: add --force-conflicts"
        if ref
        else "agree with the owner, or add --force-conflicts",
    )
