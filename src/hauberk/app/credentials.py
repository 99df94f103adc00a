"""Secrets that gateways serve, as the xDS server asks for them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from hauberk.base.refs import Ref
from hauberk.ports import Api


def gateway_credentials(api: Api) -> Callable[[str, str], Mapping[str, bytes] | None]:
    """(namespace, name) → the decoded data of a Secret; None when it is missing or not base64."""

    def find(namespace: str, name: str) -> Mapping[str, bytes] | None:
        secret = api.snapshot().get(Ref("Secret", namespace, name))
        if secret is None:
            return None
        try:
            return {k: base64.b64decode(v, validate=True) for k, v in (secret.get("data") or {}).items()}
        except (binascii.Error, TypeError):
            return None

    return find
