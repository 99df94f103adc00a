"""Transport sockets that roles use: the mesh's mTLS upstream, and plain TLS both ways."""

from __future__ import annotations

from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.core.v3.config_source_pb2 import ConfigSource
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateValidationContext,
    TlsParameters,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import (
    CommonTlsContext,
    DownstreamTlsContext,
    UpstreamTlsContext,
)

from hauberk.mesh.roles import PeerTls
from hauberk.xds.translate.types import Message, pack

TLS = "envoy.transport_sockets.tls"


def ads() -> Message:
    """The control plane as a source of configuration."""
    return ConfigSource(ads={}, resource_api_version="V3")


def sds(name: str) -> Message:
    """A secret that the control plane serves under this name."""
    return SdsSecretConfig(name=name, sds_config=ads())


def _floor() -> Message:
    return TlsParameters(tls_minimum_protocol_version="TLSv1_2")


def _socket(context: Message) -> Message:
    return TransportSocket(name=TLS, typed_config=pack(context))


def mesh_socket(peer: PeerTls, *, http2: bool) -> Message:
    """Show the workload's certificate and demand one of the peer's identities.

    The protocol names tell the peer's sidecar that this is mesh traffic.
    Source: istio/istio pilot/pkg/networking/util/util.go, ALPNInMeshH2 and siblings.
    """
    spiffe = [{"exact": identity} for identity in peer.identities]
    any_peer = [{"prefix": f"spiffe://{peer.trust_domain}/"}]
    names = [{"san_type": "URI", "matcher": matcher} for matcher in spiffe or any_peer]
    common = CommonTlsContext(
        tls_params=_floor(),
        alpn_protocols=["istio-h2", "istio"] if http2 else ["istio-http/1.1", "istio"],
        tls_certificate_sds_secret_configs=[sds("default")],
        combined_validation_context={
            "default_validation_context": CertificateValidationContext(match_typed_subject_alt_names=names),
            "validation_context_sds_secret_config": sds("ROOTCA"),
        },
    )
    return _socket(UpstreamTlsContext(sni=peer.sni, common_tls_context=common))


def server_socket(*, secret: str = "", chain: str = "", key: str = "", http2: bool = True) -> Message:
    """Terminate TLS with the SDS secret, or with the given PEM."""
    common = CommonTlsContext(
        tls_params=_floor(), alpn_protocols=["h2", "http/1.1"] if http2 else ["http/1.1"]
    )
    if secret:
        common.tls_certificate_sds_secret_configs.append(sds(secret))
    else:
        common.tls_certificates.add(
            certificate_chain={"inline_string": chain}, private_key={"inline_string": key}
        )
    return _socket(DownstreamTlsContext(common_tls_context=common))


def client_socket(*, roots: str, hosts: tuple[str, ...], sni: str, http2: bool) -> Message:
    """Verify a server's certificate by these roots (PEM; empty: the SDS secret `service-ca`) and hosts."""
    names = [{"san_type": "DNS", "matcher": {"exact": host}} for host in hosts]
    context = CertificateValidationContext(match_typed_subject_alt_names=names)
    common = CommonTlsContext(tls_params=_floor(), alpn_protocols=["h2"] if http2 else ["http/1.1"])
    if roots:
        context.trusted_ca.inline_string = roots
        common.validation_context.CopyFrom(context)
    else:
        combined = common.combined_validation_context
        combined.default_validation_context.CopyFrom(context)
        combined.validation_context_sds_secret_config.CopyFrom(sds("service-ca"))
    return _socket(UpstreamTlsContext(sni=sni, common_tls_context=common))
