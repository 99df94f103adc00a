"""The webhooks of a cluster, in the order in which a write passes them.

Guarantees: without webhooks a write pays for one look at an empty tuple.

Source: apiserver pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go.
Deviation: the built-in steps do not run again after a webhook that changed the object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hauberk.apiserver.webhooks import conditions, match, review
from hauberk.apiserver.webhooks.attempt import Attempt
from hauberk.apiserver.webhooks.call import CallFailed
from hauberk.base.apierrors import Forbidden
from hauberk.base.refs import Json
from hauberk.store import Store

MUTATING = "MutatingWebhookConfiguration.admissionregistration.k8s.io"
VALIDATING = "ValidatingWebhookConfiguration.admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook and where it stands."""

    config: str
    index: int
    spec: Json

    @property
    def name(self) -> str:
        """As errors call it."""
        return str(self.spec["name"])


class Chain:
    """Asks the webhooks that a write concerns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutating: tuple[Hook, ...] = ()
        self._validating: tuple[Hook, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Take the committed configurations."""
        self._mutating = tuple(self._hooks(MUTATING))
        self._validating = tuple(self._hooks(VALIDATING))

    def _hooks(self, kind: str) -> Iterator[Hook]:
        for config in self._store.snapshot().list(kind):  # sorted by name
            for i, spec in enumerate(config.get("webhooks") or ()):
                yield Hook(config["metadata"]["name"], i, spec)

    @property
    def mutates(self) -> bool:
        """Whether there is any mutating webhook."""
        return bool(self._mutating)

    @property
    def validates(self) -> bool:
        """Whether there is any validating webhook."""
        return bool(self._validating)

    async def mutate(self, attempt: Attempt) -> Json:
        """The object after every mutating webhook; those that want to look again after a change, once."""
        obj = attempt.about
        left: list[tuple[Hook, Json]] = []  # who was asked, and what it left
        for hook in self._mutating:
            obj, asked = await self._one(hook, replace(attempt, obj=obj))
            if asked:
                left.append((hook, obj))
        for hook, before in left:
            if hook.spec.get("reinvocationPolicy") == "IfNeeded" and before != obj:
                obj, _ = await self._one(hook, replace(attempt, obj=obj))
        return obj

    async def _one(self, hook: Hook, attempt: Attempt) -> tuple[Json, bool]:
        version = _wanted(hook, attempt)
        if version is None:
            return attempt.about, False
        return await self._change(hook, attempt, version), True

    async def _change(self, hook: Hook, attempt: Attempt, version: str) -> Json:
        verdict = await _asked(hook, attempt, version, "mutation", "round_0_index_")
        if verdict is None or not verdict.patch:
            return attempt.about
        shown = attempt.shown(attempt.obj, version)
        try:
            assert shown is not None, "only objects are changed"
            new = review.patched(shown, verdict.patch)
        except CallFailed as error:
            raise review.Unanswered(hook.name, str(error)) from error
        return {**new, "apiVersion": attempt.about["apiVersion"]}

    async def validate(self, attempt: Attempt) -> None:
        """Ask every validating webhook at the same time. Denied, Unanswered."""
        wanted = [(h, v) for h in self._validating if (v := _wanted(h, attempt)) is not None]
        if not wanted:
            return
        found = await asyncio.gather(
            *(_asked(hook, attempt, version, "validation", "") for hook, version in wanted),
            return_exceptions=True,
        )
        for answer in found:
            if isinstance(answer, BaseException):
                raise answer


def _wanted(hook: Hook, attempt: Attempt) -> str | None:
    """The version to send when the webhook is to be asked. Forbidden when its conditions break."""
    spec = hook.spec
    version = match.matched_version(spec, spec.get("rules") or (), attempt)
    if version is None or not match.selected(spec, attempt):
        return None
    rows = spec.get("matchConditions")
    if not rows:
        return version
    try:
        return version if conditions.hold(rows, conditions.seen_by(attempt, version)) else None
    except conditions.Broken as error:
        if spec.get("failurePolicy") == "Ignore":
            return None
        kind = attempt.kind
        what = f'{kind.plural}{"." if kind.group else ""}{kind.group} "{attempt.name}" is forbidden'
        raise Forbidden(f"{what}: {error}") from error


async def _asked(hook: Hook, attempt: Attempt, version: str, word: str, mark: str) -> review.Verdict | None:
    """One webhook's answer; None when it failed and may. Denied, Unanswered."""
    try:
        verdict = await review.ask(hook.spec, attempt, version)
    except CallFailed as error:
        if hook.spec.get("failurePolicy") == "Ignore":
            key = f"failed-open.{word}.webhook.admission.k8s.io/{mark}{hook.index}"
            attempt.call.annotations[key] = hook.name
            return None
        raise review.Unanswered(hook.name, str(error)) from error
    for text in verdict.warnings:
        attempt.call.warn(text)
    for key, value in verdict.audit.items():
        attempt.call.annotations[f"{hook.name}/{key}"] = value
    if not verdict.allowed:
        raise review.Denied(hook.name, verdict.result)
    return verdict
