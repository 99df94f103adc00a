"""config-network: ingress class, host names, schemes.

Source: knative.dev/networking pkg/config/config.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hauberk.serving.config.reading import as_bool, as_int

NAME = "config-network"
DEFAULT_DOMAIN_TEMPLATE = "{{.Name}}.{{.Namespace}}.{{.Domain}}"
DEFAULT_CERTIFICATE_CLASS = "cert-manager.certificate.networking.knative.dev"
DEFAULT_TAG_TEMPLATE = "{{.Tag}}-{{.Name}}"
_FIELD = re.compile(r"\{\{\s*(?:index\s+)?\.(\w+)(?:\s+\"([^\"]*)\")?\s*\}\}")
_BRANCH = re.compile(
    r"\{\{-?\s*if\s+\.(\w+)\s*-?\}\}(.*?)(?:\{\{-?\s*else\s*-?\}\}(.*?))?\{\{-?\s*end\s*-?\}\}", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Network:
    """`http_option` is what plain HTTP gets, where a Route does not say it by itself."""

    ingress_class: str = "istio.ingress.networking.knative.dev"
    domain_template: str = DEFAULT_DOMAIN_TEMPLATE
    tag_template: str = DEFAULT_TAG_TEMPLATE
    external_scheme: Literal["http", "https"] = "http"
    http_option: Literal["Enabled", "Redirected"] = "Enabled"
    external_tls: bool = False
    local_tls: bool = False
    certificate_class: str = DEFAULT_CERTIFICATE_CLASS
    autocreate_claims: bool = False
    rollout_duration_s: int = 0
    pod_addressability: bool = False
    mesh_compatibility: Literal["auto", "enabled", "disabled"] = "auto"


def parse_network(data: Mapping[str, str]) -> Network:
    """Read config-network's data, with the older spellings of its keys."""
    scheme = data.get("default-external-scheme", data.get("defaultExternalScheme", "http"))
    redirect = data.get("http-protocol", data.get("httpProtocol", "Enabled")).lower() == "redirected"
    compatibility = data.get("mesh-compatibility-mode", "auto").lower()
    tls = as_bool(data, "external-domain-tls", as_bool(data, "auto-tls", as_bool(data, "autoTLS", False)))
    return Network(
        ingress_class=data.get("ingress-class") or data.get("ingress.class") or Network().ingress_class,
        domain_template=data.get("domain-template") or data.get("domainTemplate") or DEFAULT_DOMAIN_TEMPLATE,
        tag_template=data.get("tag-template") or data.get("tagTemplate") or DEFAULT_TAG_TEMPLATE,
        external_scheme="https" if scheme.lower() == "https" else "http",
        http_option="Redirected" if redirect else "Enabled",
        external_tls=tls,
        local_tls=as_bool(data, "cluster-local-domain-tls", False),
        certificate_class=data.get("certificate-class")
        or data.get("certificate.class")
        or DEFAULT_CERTIFICATE_CLASS,
        autocreate_claims=as_bool(
            data, "autocreate-cluster-domain-claims", as_bool(data, "autocreateClusterDomainClaims", False)
        ),
        rollout_duration_s=as_int(data, "rollout-duration", as_int(data, "rolloutDuration", 0)),
        pod_addressability=as_bool(data, "enable-mesh-pod-addressability", False),
        mesh_compatibility="enabled"
        if compatibility == "enabled"
        else "disabled"
        if compatibility == "disabled"
        else "auto",
    )


def fill_template(template: str, values: Mapping[str, object]) -> str:
    """Fill in `{{.Name}}`, `{{index .Labels "k"}}` and `{{if .X}}a{{else}}b{{end}}`.

    Deviation: Go's text/template has more; other actions stay as they are, which no host name allows.
    """

    def branch(match: re.Match[str]) -> str:
        return match[2] if values.get(match[1]) else match[3] or ""

    def field(match: re.Match[str]) -> str:
        value = values.get(match[1], match[0])
        if isinstance(value, Mapping):
            return str(value.get(match[2] or "", ""))
        return str(value)

    return _FIELD.sub(field, _BRANCH.sub(branch, template))
