"""Upstream's refusals, in upstream's words.

Source: apimachinery pkg/api/errors/errors.go; apiserver pkg/registry/generic/registry/store.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hauberk.apiserver.catalog import resource_of
from hauberk.base.apierrors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
)
from hauberk.base.fields import FieldError
from hauberk.base.refs import Ref
from hauberk.kinds.meta import Kind


def _about(kind: Kind[Any], name: str) -> Ref:
    return Ref(resource_of(kind), "", name)


def not_found(kind: Kind[Any], name: str) -> NotFound:
    """No such object."""
    return NotFound(f'{resource_of(kind)} "{name}" not found', ref=_about(kind, name))


def already_exists(kind: Kind[Any], name: str) -> AlreadyExists:
    """The name is taken."""
    return AlreadyExists(f'{resource_of(kind)} "{name}" already exists', ref=_about(kind, name))


def modified(kind: Kind[Any], name: str) -> Conflict:
    """The resourceVersion is not the current one."""
    return conflict(
        kind,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def conflict(kind: Kind[Any], name: str, why: str) -> Conflict:
    """The write does not fit the current state."""
    text = f'Operation cannot be fulfilled on {resource_of(kind)} "{name}": {why}'
    return Conflict(text, ref=_about(kind, name))


def unconditional(kind: Kind[Any], name: str) -> Invalid:
    """A custom object is replaced only as it was read: its version must be sent along."""
    text = "Invalid value: 0x0: must be specified for an update"
    return invalid(kind, name, [FieldError("metadata.resourceVersion", text)])


def uid_differs(kind: Kind[Any], name: str, wanted: str, found: str) -> Conflict:
    """The object with this name is another one by now."""
    why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    return conflict(kind, name, why)


def version_differs(kind: Kind[Any], name: str, wanted: str, found: str) -> Conflict:
    """A deletion was asked for under the condition of a version."""
    why = (
        "Precondition failed: ResourceVersion in precondition: "
        f"{wanted}, ResourceVersion in object meta: {found}"
    )
    return conflict(kind, name, why)


def invalid(kind: Kind[Any], name: str, causes: Sequence[FieldError]) -> Invalid:
    """The object breaks rules; all of them are told."""
    told = tuple(dict.fromkeys(causes))
    texts = [str(cause) for cause in told]
    body = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return Invalid(f'{kind.id} "{name}" is invalid: {body}', ref=Ref(kind.id, "", name), causes=told)


def forbidden(kind: Kind[Any], name: str, why: str, causes: Sequence[FieldError] = ()) -> Forbidden:
    """The write is not allowed."""
    text = f'{resource_of(kind)} "{name}" is forbidden: {why}'
    return Forbidden(text, ref=_about(kind, name), causes=causes)


def no_verb(verb: str) -> MethodNotAllowed:
    """The resource does not know this verb."""
    return MethodNotAllowed(f"the server does not allow this method on the requested resource ({verb})")


def name_differs(given: str, wanted: str) -> BadRequest:
    """The body names another object than the path."""
    return BadRequest(f"the name of the object ({given}) does not match the name on the URL ({wanted})")


def namespace_differs() -> BadRequest:
    """The body names another namespace than the path."""
    return BadRequest("the namespace of the provided object does not match the namespace sent on the request")
