"""AdmissionReview: what is asked, what an answer means.

Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go (VerifyAdmissionResponse),
pkg/admission/plugin/webhook/errors/statuserror.go.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hauberk.apiserver.patches import json_patch
from hauberk.apiserver.webhooks.attempt import Attempt, request_of
from hauberk.apiserver.webhooks.call import CallFailed, post
from hauberk.base.apierrors import ApiError, BadRequest
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json


class Denied(ApiError):
    """A webhook refused the write; code and reason are the webhook's."""

    def __init__(self, name: str, result: Json) -> None:
        denied = f'admission webhook "{name}" denied the request'
        why = result.get("message") or result.get("reason")
        details: Json = result.get("details") or {}
        causes = [
            FieldError(c.get("field", ""), c.get("message", ""), c.get("reason", ""))
            for c in details.get("causes") or ()
        ]
        super().__init__(f"{denied}: {why}" if why else f"{denied} without explanation", causes=causes)
        self.code = max(int(result.get("code") or 0), 400)
        self.reason = result.get("reason") or ("" if self.code == 400 else "Forbidden")


class Unanswered(ApiError):
    """A webhook could not be asked, and its failure policy is Fail."""

    def __init__(self, name: str, why: str) -> None:
        text = f'failed calling webhook "{name}": {why}'
        super().__init__(f"Internal error occurred: {text}", causes=[FieldError("", text, "")])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook answered."""

    allowed: bool
    result: Json
    patch: list[Any]
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, str] = field(default_factory=dict)


async def ask(hook: Json, attempt: Attempt, version: str) -> Verdict:
    """Ask one webhook. CallFailed, BadRequest."""
    if attempt.call.dry_run and hook.get("sideEffects") not in ("None", "NoneOnDryRun"):
        raise BadRequest(f'admission webhook "{hook["name"]}" does not support dry run')
    versions = hook.get("admissionReviewVersions") or ["v1"]
    wire = next((v for v in versions if v in ("v1", "v1beta1")), "v1")
    uid = str(uuid.uuid4())
    review = {
        "kind": "AdmissionReview",
        "apiVersion": f"admission.k8s.io/{wire}",
        "request": request_of(attempt, version, uid),
    }
    timeout_s = float(hook.get("timeoutSeconds") or 10)
    try:
        answer = await post(hook.get("clientConfig") or {}, attempt.snapshot, review, timeout_s)
    except CallFailed as error:
        raise CallFailed(f"failed to call webhook: {error}") from error
    return verdict_of(answer, uid, f"admission.k8s.io/{wire}")


def verdict_of(answer: Any, uid: str, api_version: str) -> Verdict:
    """Read an answer. CallFailed when it is not one."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("response"), Mapping):
        raise CallFailed("webhook response was absent")
    said = f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
    if said != f"{api_version}, Kind=AdmissionReview":
        raise CallFailed(f"expected webhook response of {api_version}, Kind=AdmissionReview, got {said}")
    response: Json = answer["response"]
    if response.get("uid") != uid and api_version.endswith("/v1"):
        raise CallFailed(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    return Verdict(
        allowed=bool(response.get("allowed")),
        result=response.get("status") or response.get("result") or {},
        patch=_patch(response),
        warnings=tuple(str(w) for w in response.get("warnings") or ()),
        audit=response.get("auditAnnotations") or {},
    )


def _patch(response: Json) -> list[Any]:
    if not response.get("patch"):
        return []
    if response.get("patchType", "JSONPatch") != "JSONPatch":
        raise CallFailed(
            f"webhook returned response.patchType={response.get('patchType')}, but only JSONPatch is known"
        )
    try:
        found = orjson.loads(base64.b64decode(response["patch"], validate=True))
    except (binascii.Error, ValueError, orjson.JSONDecodeError) as error:
        raise CallFailed(f"webhook returned a patch that cannot be read: {error}") from error
    if not isinstance(found, list):
        raise CallFailed("webhook returned a patch that is not a list")
    return found


def patched(obj: Json, patch: list[Any]) -> Json:
    """The object after a webhook's patch. CallFailed."""
    try:
        new: Json = json_patch(obj, patch)
    except ApiError as error:
        raise CallFailed(f"the patch does not fit the object: {error.message}") from error
    return new
