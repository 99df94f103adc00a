"""config-domain: which domain an app's host ends in, chosen by the Route's labels.

Source: knative/serving pkg/reconciler/route/config/domain.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

NAME = "config-domain"
DEFAULT_DOMAIN = "svc.cluster.local"
LOCAL_SUFFIX = "svc.cluster.local"


@dataclass(frozen=True, slots=True)
class Domains:
    """Domains with the labels that select them; more labels win over fewer."""

    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    def choose(self, labels: Mapping[str, str]) -> str:
        """The domain of a Route with these labels."""
        best, depth = DEFAULT_DOMAIN, -1
        for domain, selector in self.rows:
            fits = all(labels.get(k) == v for k, v in selector)
            if fits and (len(selector) > depth or (len(selector) == depth and domain < best)):
                best, depth = domain, len(selector)
        return best


def parse_domains(data: Mapping[str, str]) -> Domains:
    """Read config-domain's data. `_example` and unreadable selectors are left out."""
    rows = []
    for domain, text in sorted(data.items()):
        if domain == "_example":
            continue
        try:
            selector = ((yaml.safe_load(text) or {}) if text else {}).get("selector") or {}
        except (yaml.YAMLError, AttributeError):
            continue
        rows.append((domain, tuple(sorted((str(k), str(v)) for k, v in selector.items()))))
    return Domains(tuple(rows))
