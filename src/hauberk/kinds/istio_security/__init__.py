"""security.istio.io and telemetry.istio.io: who may call whom. `KINDS` lists the kinds."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.istio_networking.unbuilt import stored
from hauberk.kinds.istio_security import authorization_policy, peer_authentication
from hauberk.kinds.meta import Kind

REQUEST_AUTHENTICATION = stored(
    "RequestAuthentication",
    "requestauthentications",
    "ra",
    group="security.istio.io",
    versions=("v1", "v1beta1"),
    why="tokens are not looked at, so requestPrincipals match no request",
)
TELEMETRY = stored(
    "Telemetry",
    "telemetries",
    "telemetry",
    group="telemetry.istio.io",
    versions=("v1", "v1alpha1"),
    why="access logs are set by meshConfig.accessLogFile of the control plane",
)

KINDS: tuple[Kind[Any], ...] = (
    peer_authentication.KIND,
    authorization_policy.KIND,
    REQUEST_AUTHENTICATION,
    TELEMETRY,
)
