"""Envoy's question "may this request go on?" as a wait for a pod.

The activator's Envoy holds a request in its ext_authz filter and asks here; the answer names the
pod's address or a response. The body never comes this way. When the client leaves, Envoy ends the
call and the wait is cancelled.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import grpc
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.auth.v3.external_auth_pb2 import (
    CheckRequest,
    CheckResponse,
    DeniedHttpResponse,
    OkHttpResponse,
)
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationServicer
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.rpc.code_pb2 import OK, PERMISSION_DENIED
from google.rpc.status_pb2 import Status

from hauberk.ports import Forward, Hold, HoldAnswer, HoldRequest, Reject

ORIGINAL_DST = "x-envoy-original-dst-host"
log = logging.getLogger(__name__)


def request_of(check: CheckRequest) -> HoldRequest:
    """What is being held. The revision and the pod come from the route's own configuration."""
    http = check.attributes.request.http
    known: Mapping[str, str] = check.attributes.context_extensions
    return HoldRequest(
        namespace=known.get("namespace", ""),
        revision=known.get("revision", ""),
        pod_uid=known.get("pod_uid", ""),
        authority=http.host,
        path=http.path,
        headers=dict(http.headers),
    )


def response_of(answer: HoldAnswer) -> CheckResponse:
    """The answer in Envoy's words."""
    match answer:
        case Forward(to):
            header = HeaderValueOption(
                header=HeaderValue(key=ORIGINAL_DST, value=to),
                append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
            )
            return CheckResponse(status=Status(code=OK), ok_response=OkHttpResponse(headers=[header]))
        case Reject(code, body, headers):
            rows = [HeaderValueOption(header=HeaderValue(key=k, value=v)) for k, v in headers.items()]
            denied = DeniedHttpResponse(status=HttpStatus(code=code), headers=rows, body=body)
            return CheckResponse(status=Status(code=PERMISSION_DENIED), denied_response=denied)


class HoldService(AuthorizationServicer):  # type: ignore[misc]
    """Serves `Check`."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    async def Check(  # noqa: N802 (gRPC's name)
        self, request: CheckRequest, context: grpc.aio.ServicerContext
    ) -> CheckResponse:
        """Wait for the decision; one that fails answers 500 and says why in the log."""
        del context
        held = request_of(request)
        try:
            answer = await self._hold(held)
        except Exception:
            log.exception("hold failed", extra={"revision": f"{held.namespace}/{held.revision}"})
            answer = Reject(500, "the control plane could not decide where this request goes\n")
        return response_of(answer)
