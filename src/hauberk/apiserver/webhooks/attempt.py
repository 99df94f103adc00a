"""One write as webhooks and policies see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hauberk.apiserver.request import Call
from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind
from hauberk.ports import Snapshot

Verb = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is about to be written; objects are in the stored version."""

    kind: Kind[Any]
    verb: Verb
    obj: Json | None  # None on DELETE
    old: Json | None  # None on CREATE
    call: Call
    snapshot: Snapshot

    @property
    def about(self) -> Json:
        """The object, whichever there is."""
        found = self.obj if self.obj is not None else self.old
        assert found is not None, "a write is about an object"
        return found

    @property
    def name(self) -> str:
        """The object's name; empty while it is generated."""
        return str(self.about["metadata"].get("name", ""))

    @property
    def namespace(self) -> str:
        """The object's namespace; a Namespace is its own."""
        return self.name if self.kind.id == "Namespace" else str(self.about["metadata"].get("namespace", ""))

    @property
    def version(self) -> str:
        """The version that the client wrote."""
        return (self.call.api_version or self.kind.api_version).rpartition("/")[2]

    def shown(self, obj: Json | None, version: str) -> Json | None:
        """An object in a version."""
        if obj is None:
            return None
        group = self.kind.group
        return self.kind.at(version).shown(obj, f"{group}/{version}" if group else version)


def request_of(attempt: Attempt, version: str, uid: str) -> dict[str, Any]:
    """The `request` of an AdmissionReview, with the objects in this version.

    Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go.
    """
    kind, call = attempt.kind, attempt.call
    out: dict[str, Any] = {
        "uid": uid,
        "kind": {"group": kind.group, "version": version, "kind": kind.name},
        "resource": {"group": kind.group, "version": version, "resource": kind.plural},
        "requestKind": {"group": kind.group, "version": attempt.version, "kind": kind.name},
        "requestResource": {"group": kind.group, "version": attempt.version, "resource": kind.plural},
        "operation": attempt.verb,
        "userInfo": call.user.info,
        "object": attempt.shown(attempt.obj, version),
        "oldObject": attempt.shown(attempt.old, version),
        "dryRun": call.dry_run,
        "options": {"kind": _OPTIONS.get(attempt.verb, "CreateOptions"), "apiVersion": "meta.k8s.io/v1"},
    }
    if call.subresource:
        out["subResource"] = out["requestSubResource"] = call.subresource
    if attempt.name:
        out["name"] = attempt.name
    if attempt.namespace:
        out["namespace"] = attempt.namespace
    return out
