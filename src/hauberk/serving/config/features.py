"""config-features: what of Serving's optional behaviour is on.

Source: knative/serving pkg/apis/config/features.go.
"""

from __future__ import annotations

from collections.abc import Mapping

NAME = "config-features"
TAG_HEADERS = "tag-header-based-routing"
SECURE_DEFAULTS = "secure-pod-defaults"


def is_enabled(data: Mapping[str, str], flag: str) -> bool:
    """Whether a flag of the ConfigMap's data is `enabled`; `allowed` is not."""
    return data.get(flag, "").lower() == "enabled"


def is_not_off(data: Mapping[str, str], flag: str) -> bool:
    """Whether a flag is anything but `disabled`; `secure-pod-defaults: AllowRootBounded` is."""
    return data.get(flag, "disabled").lower() != "disabled"
