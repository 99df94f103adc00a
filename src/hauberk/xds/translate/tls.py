"""TLS contexts: the mesh's own certificates both ways, gateway credentials, and plain TLS clients.

Every context asks the control plane for its secrets; nothing secret is in a configuration.
Source: istio/istio pilot/pkg/security/authn/utils.go, pilot/pkg/networking/core/cluster_tls.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.extensions.transport_sockets.raw_buffer.v3.raw_buffer_pb2 import RawBuffer
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import (
    CommonTlsContext,
    DownstreamTlsContext,
    UpstreamTlsContext,
)

from hauberk.kinds.istio_networking.destination_rule import ClientTLS
from hauberk.kinds.istio_networking.gateway import ServerTLS
from hauberk.xds.translate.roles.tls import TLS, sds
from hauberk.xds.translate.types import Message, pack

OWN, ROOTS = "default", "ROOTCA"
ISTIO_HTTP = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
ISTIO_ALPN = ("istio", "istio-peer-exchange", *ISTIO_HTTP)
_VERSIONS = {"TLSV1_0": "TLSv1_0", "TLSV1_1": "TLSv1_1", "TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3"}
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


def socket(context: Message) -> Message:
    """The context as a transport socket."""
    return TransportSocket(name=TLS, typed_config=pack(context))


def raw() -> Message:
    """Plaintext as a transport socket."""
    return TransportSocket(name="envoy.transport_sockets.raw_buffer", typed_config=pack(RawBuffer()))


def _peer(names: Iterable[Message | dict[str, object]], roots: str) -> dict[str, object]:
    context = CertificateValidationContext(match_typed_subject_alt_names=list(names))
    return {
        "default_validation_context": context,
        "validation_context_sds_secret_config": sds(roots),
    }


def mesh_server(trust_domain: str, *, alpn: Iterable[str] = ("h2", "http/1.1")) -> Message:
    """Show the workload's certificate and demand one of the trust domain."""
    names = [{"san_type": "URI", "matcher": {"prefix": f"spiffe://{trust_domain}/"}}]
    common = CommonTlsContext(
        tls_params={"tls_minimum_protocol_version": "TLSv1_2"},
        alpn_protocols=list(alpn),
        tls_certificate_sds_secret_configs=[sds(OWN)],
        combined_validation_context=_peer(names, ROOTS),
    )
    return socket(DownstreamTlsContext(common_tls_context=common, require_client_certificate={"value": True}))


def mesh_client(*, sni: str, identities: Iterable[str], alpn: Iterable[str]) -> Message:
    """Show the workload's certificate and demand one of these SPIFFE IDs (none: any of the mesh CA)."""
    names = [{"san_type": "URI", "matcher": {"exact": i}} for i in identities]
    common = CommonTlsContext(
        tls_params={"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        alpn_protocols=list(alpn),
        tls_certificate_sds_secret_configs=[sds(OWN)],
        combined_validation_context=_peer(names, ROOTS),
    )
    return socket(UpstreamTlsContext(sni=sni, common_tls_context=common))


def gateway_server(tls: ServerTLS, trust_domain: str, *, http: bool) -> Message:
    """The transport socket of a terminating Gateway server."""
    alpn = ("h2", "http/1.1") if http else ()
    if tls.mode == "ISTIO_MUTUAL":
        return mesh_server(trust_domain, alpn=alpn)
    name = f"kubernetes://{tls.credential_name.removeprefix('kubernetes://')}"
    params: dict[str, object] = {
        "tls_minimum_protocol_version": _VERSIONS.get(tls.min_protocol_version, "TLSv1_2")
    }
    if tls.max_protocol_version in _VERSIONS:
        params["tls_maximum_protocol_version"] = _VERSIONS[tls.max_protocol_version]
    if tls.cipher_suites:
        params["cipher_suites"] = list(tls.cipher_suites)
    common = CommonTlsContext(
        tls_params=params, alpn_protocols=list(alpn), tls_certificate_sds_secret_configs=[sds(name)]
    )
    context = DownstreamTlsContext(common_tls_context=common)
    if tls.mode in ("MUTUAL", "OPTIONAL_MUTUAL"):
        names = [
            {"san_type": kind, "matcher": {"exact": san}}
            for san in tls.subject_alt_names
            for kind in ("DNS", "URI")
        ]
        peer = _peer(names, f"{name}-cacert")
        context.common_tls_context.MergeFrom(CommonTlsContext(combined_validation_context=peer))
        context.require_client_certificate.value = tls.mode == "MUTUAL"
    return socket(context)


def plain_client(tls: ClientTLS, host: str, *, alpn: Iterable[str]) -> Message:
    """TLS towards a server outside the mesh: a DestinationRule's SIMPLE or MUTUAL.

    The server is verified by the credential's CA, by the file it names, else by the system's roots.
    """
    common = CommonTlsContext(alpn_protocols=list(alpn))
    names = [
        {"san_type": kind, "matcher": {"exact": san}}
        for san in tls.subject_alt_names or ((host,) if "*" not in host else ())
        for kind in (("URI",) if san.startswith("spiffe:") else ("DNS",))
    ]
    checked = CertificateValidationContext(match_typed_subject_alt_names=names)
    name = f"kubernetes://{tls.credential_name}"
    if not tls.insecure_skip_verify and tls.credential_name:
        common.combined_validation_context.default_validation_context.CopyFrom(checked)
        common.combined_validation_context.validation_context_sds_secret_config.CopyFrom(
            sds(f"{name}-cacert")
        )
    elif not tls.insecure_skip_verify:
        checked.trusted_ca.filename = tls.ca_certificates or SYSTEM_ROOTS
        common.validation_context.CopyFrom(checked)
    if tls.mode == "MUTUAL" and tls.credential_name:
        common.tls_certificate_sds_secret_configs.append(sds(name))
    elif tls.mode == "MUTUAL":
        common.tls_certificates.add(
            certificate_chain={"filename": tls.client_certificate}, private_key={"filename": tls.private_key}
        )
    return socket(UpstreamTlsContext(sni=tls.sni or host, common_tls_context=common))
