"""What the integration meets outside of it: the cluster's domain, the certificate, Kafka. Pure verdicts."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref
from hauberk.integration.model import Integration
from hauberk.integration.preflight.rows import Row
from hauberk.integration.rules import covers

SOON = datetime.timedelta(days=30)
CLUSTER_SUFFIXES = (".svc", ".svc.cluster.local")


def judge_domain(integration: Integration, ingress: Json | None) -> Row:
    """Whether the file's domain is the cluster's.

    Anything else needs a DomainMapping for each service, because Routes serve the cluster's domain.
    """
    title, wanted = "domain", f"the cluster serves {integration.domain}"
    domain = ((ingress or {}).get("spec") or {}).get("domain", "")
    if not domain:
        level = "ok" if integration.profile == "kubernetes" else "unknown"
        text = "the cluster names no domain (Ingress.config.openshift.io cluster)"
        return Row(title=title, level="ok" if level == "ok" else "unknown", wanted=wanted, found=text)
    if domain == integration.domain:
        return Row(title=title, level="ok", wanted=wanted, found=domain)
    fix = f"domain: {domain}   (in hauberk.yaml; for other hosts use certificate.customDomains)"
    return Row(title=title, level="fail", wanted=wanted, found=f"it serves {domain}", fix=fix)


def judge_certificate(integration: Integration, secret: Json | None, now: datetime.datetime) -> Row:
    """Whether the certificate that is in the cluster covers the domain, is whole and lasts.

    | Secret                               | level                                             |
    |--------------------------------------|---------------------------------------------------|
    | absent, source is `secret`           | fail                                              |
    | absent, else                         | ok: install makes it                              |
    | broken, for another key, expired     | fail                                              |
    | names another domain                 | fail                                              |
    | no subjectAltName, ends in 30 days   | warn                                              |
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    title = "certificate"
    ref = Ref("Secret", integration.gateway_namespace, integration.certificate.secret_name)
    wanted = f"{ref}: certificate for *.{integration.domain} with its key"
    make = "hauberk certs apply -f hauberk.yaml"
    if secret is None:
        if integration.certificate.source == "secret":
            return Row(title=title, level="fail", wanted=wanted, found="it is not there", fix=make)
        return Row(title=title, level="ok", wanted=wanted, found="not there yet: `install` brings it")
    data = secret.get("data") or {}
    try:
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
        key = load_pem_private_key(base64.b64decode(data["tls.key"]), None)
    except (KeyError, ValueError, TypeError) as error:
        text = f"not a certificate with its key: {type(error).__name__}"
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=make)
    if key.public_key() != certificate.public_key():
        text = "the key is not the certificate's"
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=make)
    return _judge_names(integration, certificate, wanted, make, now)


def _judge_names(
    integration: Integration, certificate: object, wanted: str, make: str, now: datetime.datetime
) -> Row:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    title, ends = "certificate", certificate.not_valid_after_utc
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        hosts = [str(a.value) for a in common]
        if any(covers(h, f"x.{integration.domain}") for h in hosts):
            text = f"{hosts[0]} as common name only: Go, browsers and Python want a subjectAltName"
            return Row(title=title, level="warn", wanted=wanted, found=text, fix=make)
    if not any(covers(h, f"x.{integration.domain}") for h in hosts):
        text = f"it is for {', '.join(hosts) or 'no host'}"
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=make)
    text = f"{', '.join(hosts)}, until {ends:%Y-%m-%d}"
    if now > ends or now < certificate.not_valid_before_utc:
        return Row(title=title, level="fail", wanted=wanted, found=f"{text}: not valid now", fix=make)
    if ends - now < SOON:
        return Row(title=title, level="warn", wanted=wanted, found=text, fix="hauberk certs rotate")
    return Row(title=title, level="ok", wanted=wanted, found=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What became of one bootstrap server. `how` says who tried: the API's Service, or this machine."""

    server: str
    how: str
    reached: bool | None  # None: it cannot be tried from here
    detail: str = ""


def service_of(server: str) -> Ref | None:
    """The Service that a cluster-local `host:port` names: `name.namespace[.svc[.cluster.local]]`."""
    host = server.rpartition(":")[0]
    for suffix in sorted(CLUSTER_SUFFIXES, key=len, reverse=True):
        if host.endswith(suffix):
            host = host.removesuffix(suffix)
            break
    name, dot, namespace = host.partition(".")
    return Ref("Service", namespace, name) if dot and namespace and "." not in namespace else None


def judge_kafka(dialled: Sequence[Dialled]) -> Row:
    """Whether a bootstrap server can be reached. One that can is enough for a client to begin."""
    title, wanted = "Kafka", "a bootstrap server that answers"
    text = "; ".join(f"{d.server}: {d.detail} ({d.how})" for d in dialled)
    if any(d.reached for d in dialled):
        return Row(title=title, level="ok", wanted=wanted, found=text)
    fix = "correct kafka.bootstrapServers in hauberk.yaml, or start the Kafka cluster"
    if any(d.reached is None for d in dialled):
        return Row(title=title, level="unknown", wanted=wanted, found=text, fix=fix)
    return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)
