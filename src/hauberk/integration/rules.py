"""Which choices of an Integration do not go together, each with its fix. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from hauberk.integration.model import EVENTING, SERVING, Integration
from hauberk.integration.profiles.objects import at_least

SM3_SINCE = "1.37"
OLDEST_SERVERLESS = "1.31"
OLDEST_MESH = "2.2"
NET_ISTIO_NAMESPACE = "istio-system"  # net-istio config/203-local-gateway.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One rule that the file breaks. `path` is where to look: keys, and indexes of lists."""

    path: tuple[str | int, ...]
    what: str
    wanted: str
    found: str
    fix: str


Findings: TypeAlias = Iterator[Broken]


def judge(wanted: Integration) -> Findings:
    """Every impossible combination, in the order of the file."""
    yield from _versions(wanted)
    yield from _certificate(wanted)
    yield from _mesh(wanted)
    yield from _members(wanted)
    yield from _gateways(wanted)
    yield from _kafka(wanted)
    yield from _policies(wanted)
    yield from _tenants(wanted)


def covers(certificate_host: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host; `*` is exactly one label."""
    if not certificate_host.startswith("*."):
        return certificate_host == host
    return host.partition(".")[2] == certificate_host[2:]


def _versions(wanted: Integration) -> Findings:
    versions, profile = wanted.versions, wanted.profile
    oldest = SM3_SINCE if profile == "sm3" else OLDEST_SERVERLESS
    if profile != "kubernetes" and not at_least(versions.serverless, oldest):
        yield Broken(
            path=("versions", "serverless"),
            what=f"Serverless {versions.serverless} is too old for the profile `{profile}`",
            wanted=f"{oldest} or later",
            found=versions.serverless,
            fix=f'serverless: "{oldest}"',
        )
    mesh = versions.service_mesh
    if not isinstance(mesh, str):
        return
    major = {"sm2": "2", "sm3": "3"}.get(profile)
    if major is None:
        yield Broken(
            path=("versions", "serviceMesh"),
            what="the profile `kubernetes` has no OpenShift Service Mesh",
            wanted="`istio`, such as v1.26-latest",
            found=f"serviceMesh: {mesh}",
            fix="remove `serviceMesh`",
        )
    elif mesh.split(".")[0] != major or (profile == "sm2" and not at_least(mesh, OLDEST_MESH)):
        oldest = OLDEST_MESH if profile == "sm2" else "3.0"
        yield Broken(
            path=("versions", "serviceMesh"),
            what=f"Service Mesh {mesh} does not go with the profile `{profile}`",
            wanted=f"{oldest} or a later {major}.x",
            found=mesh,
            fix=f'serviceMesh: "{oldest}"',
        )


def _certificate(wanted: Integration) -> Findings:
    source = wanted.certificate
    probe = f"service-namespace.{wanted.domain}"
    if not any(covers(host, probe) for host in wanted.certificate_hosts):
        yield Broken(
            path=("certificate", "hosts"),
            what="the certificate does not cover the domain",
            wanted=f"*.{wanted.domain}",
            found=", ".join(wanted.certificate_hosts),
            fix=f'hosts: ["*.{wanted.domain}"]',
        )
    yield from _source(wanted)
    seen: set[str] = set()
    for index, domain in enumerate(source.custom_domains):
        at = ("certificate", "customDomains", index)
        if domain.namespace not in wanted.projects:
            yield _no_member((*at, "namespace"), domain.namespace)
        if domain.host in seen:
            yield _twice((*at, "host"), domain.host)
        seen.add(domain.host)


def _source(wanted: Integration) -> Findings:
    source = wanted.certificate
    for key, value in (("caCertificate", source.ca_certificate), ("caKey", source.ca_key)):
        if source.source == "ca" and not value:
            yield Broken(
                path=("certificate", "source"),
                what=f"the source `ca` needs `{key}`",
                wanted="the files of your organisation's CA",
                found=f"no `{key}`",
                fix=f"{key}: ca.{'key' if key == 'caKey' else 'crt'}",
            )
        elif source.source != "ca" and value:
            yield _only_for(("certificate", key), key, "ca", source.source)
    has_issuer = hasattr(source.issuer, "name")
    if source.source == "cert-manager" and not has_issuer:
        yield Broken(
            path=("certificate", "source"),
            what="the source `cert-manager` needs an issuer",
            wanted="issuer: {name: …, kind: ClusterIssuer}",
            found="no `issuer`",
            fix="issuer: {name: my-issuer}",
        )
    elif source.source != "cert-manager" and has_issuer:
        yield _only_for(("certificate", "issuer"), "issuer", "cert-manager", source.source)


def _only_for(path: tuple[str | int, ...], key: str, wanted: str, found: str) -> Broken:
    return Broken(
        path=path,
        what=f"`{key}` has no effect with the source `{found}`",
        wanted=f"source: {wanted}",
        found=f"source: {found}",
        fix=f"source: {wanted}, or remove `{key}`",
    )


def _members(wanted: Integration) -> Findings:
    enabled = {SERVING: wanted.serving.enabled, EVENTING: wanted.eventing.enabled}
    missing = [name for name, on in enabled.items() if on and name not in wanted.members]
    if missing:
        yield Broken(
            path=("members",),
            what=f"the members lack `{'` and `'.join(missing)}`",
            wanted="Knative's own namespaces in the mesh, for what is enabled",
            found=", ".join(wanted.members) or "no member",
            fix=f"members: [{', '.join([*missing, *wanted.members])}]",
        )
    if not (wanted.serving.enabled or wanted.eventing.enabled):
        yield Broken(
            path=("serving",),
            what="neither Serving nor Eventing is enabled",
            wanted="something to integrate",
            found="serving.enabled: false, eventing.enabled: false",
            fix="serving: {enabled: true}",
        )
    seen: set[str] = set()
    for index, name in enumerate(wanted.members):
        if name in seen:
            yield _twice(("members", index), name)
        if name in (wanted.mesh.namespace, wanted.gateway_namespace):
            yield Broken(
                path=("members", index),
                what=f"`{name}` cannot be a member",
                wanted="namespaces of workloads",
                found="the namespace of the control plane or of its gateway",
                fix=f"remove `{name}` from the members",
            )
        seen.add(name)


def _mesh(wanted: Integration) -> Findings:
    if wanted.profile == "kubernetes" and wanted.mesh.namespace != NET_ISTIO_NAMESPACE:
        yield Broken(
            path=("mesh", "namespace"),
            what=f"the Knative operator puts a Service of its own into `{NET_ISTIO_NAMESPACE}`",
            wanted=f"the mesh in `{NET_ISTIO_NAMESPACE}`, where that Service finds the gateway's pods",
            found=wanted.mesh.namespace,
            fix=f"namespace: {NET_ISTIO_NAMESPACE}",
        )


def _twice(path: tuple[str | int, ...], name: str) -> Broken:
    return Broken(
        path=path,
        what=f"`{name}` stands there twice",
        wanted="each once",
        found=name,
        fix=f"remove one `{name}`",
    )


def _no_member(path: tuple[str | int, ...], namespace: str) -> Broken:
    return Broken(
        path=path,
        what=f"`{namespace}` is not a member with services",
        wanted="a namespace of `members` that is not Knative's own",
        found=namespace,
        fix=f"add `{namespace}` to `members`",
    )


def _gateways(wanted: Integration) -> Findings:
    names = wanted.gateways
    if names.ingress == names.local:
        yield Broken(
            path=("gateways", "local"),
            what="both Gateways have one name",
            wanted="two names",
            found=names.local,
            fix="local: knative-local-gateway",
        )
    fixed = {"ingress": "knative-ingress-gateway", "local": "knative-local-gateway"}
    for key, name in fixed.items():
        found = getattr(names, key)
        if wanted.profile == "kubernetes" and found != name:
            yield Broken(
                path=("gateways", key),
                what=f"the Knative operator brings the Gateway `{name}` itself",
                wanted=name,
                found=found,
                fix=f"remove `{key}`",
            )


def _kafka(wanted: Integration) -> Findings:
    kafka = wanted.kafka
    if not kafka.enabled:
        return
    if not kafka.bootstrap_servers:
        yield Broken(
            path=("kafka",),
            what="Kafka is enabled without servers",
            wanted="bootstrapServers with at least one host:port",
            found="none",
            fix="bootstrapServers: [my-cluster-kafka-bootstrap.kafka:9092]",
        )
    if not wanted.eventing.enabled:
        yield Broken(
            path=("kafka", "enabled"),
            what="Kafka is enabled without Eventing",
            wanted="eventing: {enabled: true}",
            found="eventing: {enabled: false}",
            fix="eventing: {enabled: true}",
        )
    if not (kafka.broker or kafka.channel or kafka.source or kafka.sink):
        yield Broken(
            path=("kafka", "enabled"),
            what="Kafka is enabled, but none of its parts",
            wanted="broker, channel, source or sink",
            found="all of them false",
            fix="enabled: false",
        )
    for index, server in enumerate(kafka.bootstrap_servers):
        if not 0 < int(server.rpartition(":")[2]) < 65536:
            yield Broken(
                path=("kafka", "bootstrapServers", index),
                what="a bootstrap server has an impossible port",
                wanted="1 to 65535",
                found=server,
                fix=f"{server.rpartition(':')[0]}:9092",
            )


def _policies(wanted: Integration) -> Findings:
    policies = wanted.network_policies
    if policies.mesh:
        return
    if wanted.profile != "sm2":
        yield Broken(
            path=("networkPolicies", "mesh"),
            what=f"the control plane of `{wanted.profile}` makes no NetworkPolicies",
            wanted="the profile sm2",
            found="mesh: false",
            fix="remove `mesh`",
        )
    elif wanted.operator_policies:
        yield Broken(
            path=("networkPolicies", "mesh"),
            what="the control plane makes no NetworkPolicies, the operator does: events would not arrive",
            wanted="serverless: false beside mesh: false",
            found="serverless: true" if policies.serverless is True else "no `serverless`, which means true",
            fix="serverless: false",
        )


def _tenants(wanted: Integration) -> Findings:
    owner: dict[str, str] = {}
    names: set[str] = set()
    for index, tenant in enumerate(wanted.tenants):
        if tenant.name in names:
            yield _twice(("tenants", index, "name"), tenant.name)
        names.add(tenant.name)
        for at, namespace in enumerate(tenant.namespaces):
            path = ("tenants", index, "namespaces", at)
            if namespace not in wanted.projects:
                yield _no_member(path, namespace)
            if other := owner.get(namespace):
                yield Broken(
                    path=path,
                    what=f"`{namespace}` belongs to two tenants",
                    wanted="each namespace in one tenant",
                    found=f"{other}, {tenant.name}",
                    fix=f"remove it from {tenant.name}",
                )
            owner[namespace] = tenant.name
    if wanted.tenants and not wanted.serving.enabled:
        yield Broken(
            path=("tenants",),
            what="tenants are kept apart at Knative Serving, which is off",
            wanted="serving: {enabled: true}",
            found="serving: {enabled: false}",
            fix="serving: {enabled: true}",
        )
