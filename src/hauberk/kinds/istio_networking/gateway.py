"""Gateway networking.istio.io: ports that gateway pods open, with their certificates.

Source: istio/istio pkg/config/validation/validation.go, ValidateGateway, validateServer, validateTLSOptions.
"""

from __future__ import annotations

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.kinds import placeholders
from hauberk.kinds.istio_networking.common import (
    CATEGORIES,
    TLS_PROTOCOLS,
    VERSIONS,
    Port,
    check_host,
    check_port,
    check_protocol,
    repeated,
    required,
)
from hauberk.kinds.meta import Kind, ObjectMeta, Part

TLS_MODES = (
    "PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL",
)  # fmt: skip
_PLAIN_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")


class ServerTLS(Part, frozen=True):
    """How a server's connections are secured."""

    https_redirect: bool = False
    mode: str = "PASSTHROUGH"
    credential_name: str = ""
    subject_alt_names: tuple[str, ...] = ()
    min_protocol_version: str = "TLS_AUTO"
    max_protocol_version: str = "TLS_AUTO"
    cipher_suites: tuple[str, ...] = ()
    server_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""

    __inert__ = (
        "verifyCertificateSpki",
        "verifyCertificateHash",
        "caCrl",
        "credentialNames",
        "caCertCredentialName",
    )


class Server(Part, frozen=True):
    """One port of the gateway and the hosts that it answers for."""

    port: Port | None = None
    hosts: tuple[str, ...] = ()
    tls: ServerTLS | None = None
    name: str = ""

    __inert__ = ("bind", "defaultEndpoint")


class GatewaySpec(Part, frozen=True):
    """Servers, and the pods that open them."""

    servers: tuple[Server, ...] = ()
    selector: dict[str, str] | None = None


class Gateway(Part, frozen=True):
    """A load balancer at the edge of the mesh: ports, hosts and certificates."""

    metadata: ObjectMeta = ObjectMeta()
    spec: GatewaySpec = GatewaySpec()
    status: dict[str, object] | None = None


def validate(gateway: Gateway) -> FieldErrors:
    """Rules of Istio's webhook."""
    if not gateway.spec.servers:
        yield required("spec.servers", "gateway must have at least one server")
    for i, server in enumerate(gateway.spec.servers):
        for error in _validate_server(server):
            yield error.under(f"spec.servers[{i}]")
    names = [s.port.name if s.port and s.port.name else object() for s in gateway.spec.servers]
    for i in repeated(names):
        path = f"spec.servers[{i}].port.name"
        text = f"port names in servers must be unique: duplicate name {names[i]}"
        yield FieldError(path, text, "FieldValueDuplicate")


def _validate_server(server: Server) -> FieldErrors:
    if not server.hosts:
        yield required("hosts", "server config must contain at least one host")
    for i, host in enumerate(server.hosts):
        namespace, slash, name = host.rpartition("/")
        if slash and not namespace:
            yield FieldError(f"hosts[{i}]", f"invalid namespace in host {host}")
        yield from check_host(f"hosts[{i}]", name)
    if server.port is None:
        yield required("port", "port is required")
        return
    yield from check_port("port.number", server.port.number)
    if not server.port.protocol:
        yield required(
            "port.protocol", 'invalid protocol "", supported protocols are HTTP, HTTPS, TLS, TCP, …'
        )
    yield from check_protocol("port.protocol", server.port.protocol)
    if not server.port.name:
        yield required("port.name", "port name must be set")
    yield from _validate_tls(server, server.port.protocol.upper())


def _validate_tls(server: Server, protocol: str) -> FieldErrors:
    tls = server.tls
    if tls is None:
        if protocol in TLS_PROTOCOLS:
            yield required("tls", "server must have TLS settings for HTTPS/TLS protocols")
        return
    if protocol in _PLAIN_HTTP and not tls.https_redirect:
        yield FieldError("tls", "server cannot have TLS settings for plain text HTTP ports")
    if tls.https_redirect and protocol not in _PLAIN_HTTP:
        yield FieldError("tls.httpsRedirect", f"cannot have httpsRedirect on a {protocol} port")
    if tls.mode not in TLS_MODES:
        yield FieldError("tls.mode", f"unsupported TLS mode: {tls.mode}", "FieldValueNotSupported")
    if protocol in TLS_PROTOCOLS:
        yield from _validate_credentials(tls)


def _validate_credentials(tls: ServerTLS) -> FieldErrors:
    files = {
        "serverCertificate": tls.server_certificate,
        "privateKey": tls.private_key,
        "caCertificates": tls.ca_certificates,
    }
    if tls.mode == "ISTIO_MUTUAL":
        for field, value in {**files, "credentialName": tls.credential_name}.items():
            if value:
                yield FieldError(f"tls.{field}", f"ISTIO_MUTUAL TLS cannot have associated {field}")
    if tls.credential_name or tls.mode not in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        return
    if not tls.server_certificate:
        yield required("tls.credentialName", f"{tls.mode} TLS requires a server certificate")
    if not tls.private_key:
        yield required("tls.privateKey", f"{tls.mode} TLS requires a private key")
    if tls.mode != "SIMPLE" and not tls.ca_certificates:
        yield required("tls.caCertificates", f"{tls.mode} TLS requires a client CA bundle")


KIND = Kind(
    group="networking.istio.io",
    name="Gateway",
    plural="gateways",
    versions=VERSIONS,
    short_names=("gw",),
    categories=CATEGORIES,
    model=Gateway,
    validate=validate,
    strict=placeholders.left_in,
)
