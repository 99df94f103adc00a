"""The query of a write and the body of a deletion, read and checked.

Source: apimachinery pkg/apis/meta/v1/validation/validation.go (ValidateCreateOptions, ValidateUpdateOptions,
ValidatePatchOptions, ValidateDeleteOptions, ValidateFieldManager).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hauberk.apiserver.deletion import Deletion
from hauberk.apiserver.http import HttpRequest
from hauberk.apiserver.options import invalid_options
from hauberk.apiserver.request import Call, FieldValidation
from hauberk.apiserver.target import Target
from hauberk.base.apierrors import BadRequest
from hauberk.base.fields import FieldError

APPLY = "application/apply-patch+yaml"
_MOST_MANAGER_BYTES = 128
_POLICIES = ("Foreground", "Background", "Orphan")
_KINDS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_CHECKS: dict[str, FieldValidation] = {"Ignore": "Ignore", "Warn": "Warn", "Strict": "Strict"}


def call_of(request: HttpRequest, target: Target) -> Call:
    """Who writes, and how. Invalid."""
    query = request.query
    applies = request.headers.get("content-type", "").partition(";")[0].strip() == APPLY
    problems = list(_problems(request))
    if request.method == "PATCH":
        problems += _patch_problems(request, applies)
    if problems:
        raise invalid_options(_KINDS.get(request.method, "CreateOptions"), problems)
    agent = request.headers.get("user-agent", "unknown").partition("/")[0]
    return Call(
        manager=query.get("fieldManager") or agent,
        user=request.user,
        subresource=target.subresource,
        api_version=target.api_version,
        dry_run=bool(query.get("dryRun")),
        field_validation=_CHECKS[query.get("fieldValidation") or "Warn"],
        advise=True,
        annotations=request.annotations,
    )


def _problems(request: HttpRequest) -> Iterator[FieldError]:
    query = request.query
    yield from _dry_run([query["dryRun"]] if query.get("dryRun") else [])
    checked = query.get("fieldValidation", "")
    if checked and checked not in _CHECKS:
        known = ", ".join(f'"{k}"' for k in ("", *sorted(_CHECKS)))
        yield _unsupported("fieldValidation", f'"{checked}"', known)
    manager = query.get("fieldManager", "")
    if len(manager.encode()) > _MOST_MANAGER_BYTES:
        text = f"Too long: may not be more than {_MOST_MANAGER_BYTES} bytes"
        yield FieldError("fieldManager", text, "FieldValueTooLong")
    elif not manager.isprintable():
        shown = manager.encode("unicode_escape").decode()
        text = f'Invalid value: "{shown}": should only contain printable characters'
        yield FieldError("fieldManager", text)


def _patch_problems(request: HttpRequest, applies: bool) -> Iterator[FieldError]:
    if applies and not request.query.get("fieldManager"):
        yield FieldError("fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
    if not applies and "force" in request.query:
        text = "Forbidden: may not be specified for non-apply patch"
        yield FieldError("force", text, "FieldValueForbidden")


def _dry_run(given: Sequence[Any]) -> Iterator[FieldError]:
    if given and list(given) != ["All"]:
        shown = ", ".join(f'"{g}"' for g in given)
        yield _unsupported("dryRun", f"[]string{{{shown}}}", '"All"')


def _unsupported(field: str, value: str, known: str) -> FieldError:
    return FieldError(
        field, f"Unsupported value: {value}: supported values: {known}", "FieldValueNotSupported"
    )


def deletion_of(options: Any, request: HttpRequest) -> tuple[Deletion, bool]:
    """What a deletion asks for in its body or its query, and if it is a dry run. BadRequest, Invalid."""
    if not isinstance(options, dict):
        raise BadRequest("DeleteOptions must be an object")
    policy: Any = options.get("propagationPolicy") or request.query.get("propagationPolicy") or None
    orphan = options.get("orphanDependents")
    dry_run = options.get("dryRun") or []
    problems = list(_deletion_problems(policy, orphan, dry_run))
    if problems:
        raise invalid_options("DeleteOptions", problems)
    if policy is None and orphan is not None:
        policy = "Orphan" if orphan else "Background"
    grace = options.get("gracePeriodSeconds")
    if grace is None:
        grace = request.number("gracePeriodSeconds")
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        field = "DeleteOptions.gracePeriodSeconds of type int64"
        raise BadRequest(f"json: cannot unmarshal into Go struct field {field}")
    given = options.get("preconditions") or {}
    if not isinstance(given, dict):
        raise BadRequest("json: cannot unmarshal into Go struct field DeleteOptions.preconditions")
    asked = Deletion(
        grace_s=grace,
        uid=given.get("uid"),
        resource_version=given.get("resourceVersion"),
        propagation=policy,
    )
    return asked, bool(dry_run)


def _deletion_problems(policy: Any, orphan: Any, dry_run: Any) -> Iterator[FieldError]:
    if policy is not None and orphan is not None:
        text = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        yield FieldError("propagationPolicy", text)
    if policy is not None and policy not in _POLICIES:
        known = ", ".join(f'"{p}"' for p in (*_POLICIES, "nil"))
        yield _unsupported("propagationPolicy", f'"{policy}"', known)
    yield from _dry_run(dry_run if isinstance(dry_run, list) else [dry_run])
