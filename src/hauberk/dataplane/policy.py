"""Who may send to a resource: its token's subject and the event against the resource's policies.

| token (asked by `settings.oidc` and an audience) | policies                    | answer               |
|--------------------------------------------------|-----------------------------|----------------------|
| not asked                                        | any                         | anybody, as upstream |
| none came, or a bad one                          | any                         | 401                  |
| a good one                                       | None                        | it may               |
| a good one                                       | one names subject and event | it may               |
| a good one                                       | none does                   | 403                  |

Source: knative/eventing pkg/auth/verifier.go, VerifyRequest; event_policy.go, SubjectAndFiltersPass.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from hauberk.events import filters
from hauberk.events.contract import Policy, Resource
from hauberk.events.event import Event

if TYPE_CHECKING:
    from hauberk.dataplane.tokens import Verifier


class Refusal(msgspec.Struct, frozen=True):
    """Why an event is not taken."""

    status: int
    text: str


class Gate:
    """The policies of one resource, compiled. ValueError when one cannot be."""

    def __init__(self, resource: Resource, settings: Mapping[str, Any]) -> None:
        self._verifier: Verifier | None = None
        self._audience = resource.audience
        oidc = settings.get("oidc")
        if oidc and resource.audience:
            from hauberk.dataplane.tokens import Verifier

            self._verifier = Verifier(oidc)
        self._policies = None if resource.policies is None else [_compiled(p) for p in resource.policies]

    def refusal(self, event: Event, authorization: str) -> Refusal | None:
        """None when the event may come in."""
        if self._verifier is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return Refusal(401, "no JWT token found in request")
        try:
            subject = self._verifier.subject(token.strip(), self._audience, time.time())  # noqa: TID251
        except ValueError as error:
            return Refusal(401, f"failed to verify JWT: {error}")
        if self._policies is None or any(allows(subject, event, *p) for p in self._policies):
            return None
        return Refusal(403, f'token is from subject "{subject}", which no applying event policy names')


def _compiled(policy: Policy) -> tuple[tuple[str, ...], filters.Filter]:
    return policy.subjects, filters.compile(policy.filters)


def allows(subject: str, event: Event, subjects: tuple[str, ...], passes: filters.Filter) -> bool:
    """Whether a policy lets a subject send an event. Pure."""
    return any(_names(name, subject) for name in subjects) and passes(event)


def _names(name: str, subject: str) -> bool:
    return subject.startswith(name[:-1]) if name.endswith("*") else subject == name
