"""`hauberk.yaml` as a value: everything that one may choose about the integration, typed, with defaults.

The JSON schema, the reference page and the completion of `hauberk init` come from these types;
`load` reads them from a file, `rules` knows which choices do not go together.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

API_VERSION = "hauberk/v1alpha1"
KIND = "Integration"

SERVING = "knative-serving"
EVENTING = "knative-eventing"
SYSTEM_MEMBERS = (SERVING, EVENTING)

Profile: TypeAlias = Literal["sm2", "sm3", "kubernetes"]
Source: TypeAlias = Literal["generate", "secret", "ca", "cert-manager"]
KeyKind: TypeAlias = Literal["rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256", "ecdsa-p384"]

Name: TypeAlias = Annotated[
    str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63, examples=["knative-serving"])
]
Host: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
        max_length=253,
        examples=["apps.openshift.example.com"],
    ),
]
CertificateHost: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", max_length=253),
]
Server: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?:[0-9]{1,5}$",
        examples=["my-cluster-kafka-bootstrap.kafka:9092"],
    ),
]
Version: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$", examples=["1.37"])]

IstioVersion: TypeAlias = Annotated[
    str, Meta(pattern=r"^v[0-9]+\.[0-9]+(\.[0-9]+|-latest)?$", examples=["v1.26-latest"])
]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the file; its fields are camelCase there."""


class Issuer(Part, frozen=True, kw_only=True):
    """The cert-manager issuer that signs the certificates."""

    name: Annotated[Name, Meta(description="Its name.")]
    kind: Annotated[
        Literal["ClusterIssuer", "Issuer"],
        Meta(description="Its kind; an Issuer stands in the namespace of the gateway's certificate."),
    ] = "ClusterIssuer"


class CustomDomain(Part, frozen=True, kw_only=True):
    """A host outside the cluster's domain that leads to a Knative service, by a DomainMapping."""

    host: Annotated[Host, Meta(description="The host, such as `shop.example.com`.")]
    namespace: Annotated[Name, Meta(description="The namespace of the Knative service; a member.")]
    service: Annotated[Name, Meta(description="The name of the Knative service.")]
    secret_name: Annotated[
        Name | msgspec.UnsetType,
        Meta(description="The Secret with its certificate; the host with dashes and `-tls` when not given."),
    ] = msgspec.UNSET

    @property
    def secret(self) -> str:
        """The name of the Secret that holds its certificate."""
        if isinstance(self.secret_name, str):
            return self.secret_name
        return f"{self.host.replace('.', '-')[:59].rstrip('-')}-tls"


class Certificate(Part, frozen=True, kw_only=True):
    """The certificate for incoming traffic, and where it comes from."""

    source: Annotated[
        Source,
        Meta(
            description="`generate`: a root and a wildcard certificate made here. "
            "`secret`: a Secret that exists. `ca`: signed here by your organisation's CA. "
            "`cert-manager`: asked of an issuer in the cluster."
        ),
    ] = "generate"
    secret_name: Annotated[
        Name, Meta(description="The Secret, in the namespace of the ingress gateway's pods.")
    ] = "wildcard-certs"
    hosts: Annotated[
        tuple[CertificateHost, ...],
        Meta(description="The names that the certificate is for; `*.DOMAIN` when empty."),
    ] = ()
    key: Annotated[KeyKind, Meta(description="The kind of the key.")] = "rsa-2048"
    days: Annotated[int, Meta(ge=1, le=3650, description="How long a certificate is valid.")] = 365
    organization: Annotated[str, Meta(max_length=64, description="`O` of the subjects.")] = "Example Inc."
    root_name: Annotated[str, Meta(max_length=64, description="`CN` of the root.")] = "example.com"
    directory: Annotated[
        str, Meta(min_length=1, description="Where the files are: relative to this file, keys 0600.")
    ] = "certs"
    ca_certificate: Annotated[
        str, Meta(description="The file of the organisation's CA, PEM; for `ca`. Relative to this file.")
    ] = ""
    ca_key: Annotated[str, Meta(description="The file of its key, PEM; for `ca`.")] = ""
    issuer: Annotated[Issuer | msgspec.UnsetType, Meta(description="The issuer; for `cert-manager`.")] = (
        msgspec.UNSET
    )
    custom_domains: Annotated[
        tuple[CustomDomain, ...], Meta(description="Hosts outside the domain: each gets a DomainMapping.")
    ] = ()


class Mesh(Part, frozen=True, kw_only=True):
    """The service mesh that Serverless joins."""

    namespace: Annotated[Name, Meta(description="The control plane's namespace.")] = "istio-system"
    name: Annotated[
        Name | msgspec.UnsetType,
        Meta(description="The control plane's name: `basic` for sm2, else `default`."),
    ] = msgspec.UNSET


class Gateways(Part, frozen=True, kw_only=True):
    """The names of what Knative's traffic enters by."""

    ingress: Annotated[Name, Meta(description="The Gateway for traffic from outside.")] = (
        "knative-ingress-gateway"
    )
    local: Annotated[Name, Meta(description="The Gateway for traffic from inside, and its Service.")] = (
        "knative-local-gateway"
    )
    namespace: Annotated[
        Name,
        Meta(description="sm3: the namespace of the gateway's pods. Else they are in the mesh's namespace."),
    ] = "knative-serving-ingress"
    local_mtls: Annotated[
        bool | msgspec.UnsetType,
        Meta(
            description="Whether the local Gateway demands a certificate of the mesh, so that nobody outside "
            "it can call. Upstream's tests for Service Mesh 3 leave it off, as does sm3 when not given."
        ),
    ] = msgspec.UNSET
    label: Annotated[
        Name,
        Meta(description="Value of the label `knative` by which the Gateway finds its pods and Service."),
    ] = "ingressgateway"


class Serving(Part, frozen=True, kw_only=True):
    """Knative Serving."""

    enabled: Annotated[bool, Meta(description="Whether it is installed.")] = True


class Eventing(Part, frozen=True, kw_only=True):
    """Knative Eventing."""

    enabled: Annotated[bool, Meta(description="Whether it is installed.")] = True


class Kafka(Part, frozen=True, kw_only=True):
    """Knative's Kafka broker, channel, source and sink."""

    enabled: Annotated[bool, Meta(description="Whether they are installed; needs Eventing.")] = False
    bootstrap_servers: Annotated[
        tuple[Server, ...], Meta(description="`host:port` of the Kafka cluster's bootstrap servers.")
    ] = ()
    partitions: Annotated[int, Meta(ge=1, le=10_000, description="`numPartitions` of a broker's topic.")] = 10
    replication: Annotated[
        int, Meta(ge=1, le=100, description="`replicationFactor` of a broker's topic.")
    ] = 3
    channel: Annotated[bool, Meta(description="KafkaChannel.")] = True
    source: Annotated[bool, Meta(description="KafkaSource.")] = True
    broker: Annotated[bool, Meta(description="The Kafka Broker.")] = True
    sink: Annotated[bool, Meta(description="KafkaSink.")] = True


class Metrics(Part, frozen=True, kw_only=True):
    """Metrics of Knative's own workloads."""

    enabled: Annotated[bool, Meta(description="Whether they are exposed to the cluster's monitoring.")] = (
        False
    )
    namespace: Annotated[Name, Meta(description="The namespace of the monitoring.")] = "openshift-monitoring"


class NetworkPolicies(Part, frozen=True, kw_only=True):
    """Who makes NetworkPolicies."""

    serverless: Annotated[
        bool | msgspec.UnsetType,
        Meta(
            description="Whether the Serverless operator makes those that Knative needs beside the mesh's. "
            "sm2: yes when not given; sm3: no, they would shut out the gateway where the mesh makes none."
        ),
    ] = msgspec.UNSET
    mesh: Annotated[
        bool, Meta(description="sm2: whether the control plane makes those of member namespaces.")
    ] = True


class Tenant(Part, frozen=True, kw_only=True):
    """Namespaces that may call each other, and nobody else's cluster-local services."""

    name: Annotated[Name, Meta(description="Its name, the prefix of its policies.")]
    namespaces: Annotated[
        tuple[Name, ...], Meta(min_length=1, description="Its namespaces; all of them members.")
    ]


class Versions(Part, frozen=True, kw_only=True):
    """The versions that the manifests are for."""

    serverless: Annotated[Version, Meta(description="OpenShift Serverless.")] = "1.37"
    service_mesh: Annotated[
        Version | msgspec.UnsetType,
        Meta(description="OpenShift Service Mesh; `spec.version` of the control plane of sm2 when given."),
    ] = msgspec.UNSET
    istio: Annotated[
        IstioVersion | msgspec.UnsetType,
        Meta(description="Istio, as the Sail operator names it: sm3 and kubernetes."),
    ] = msgspec.UNSET
    knative: Annotated[Version, Meta(description="Knative, for the profile `kubernetes`.")] = "1.17"


class Integration(Part, frozen=True, kw_only=True):
    """The integration of a service mesh with Knative, as one reviewed file."""

    api_version: Annotated[Literal["hauberk/v1alpha1"], Meta(description="The form of this file.")]
    kind: Annotated[Literal["Integration"], Meta(description="What this file is.")]
    profile: Annotated[
        Profile,
        Meta(
            description="`sm2`: OpenShift Service Mesh 2, the document. `sm3`: OpenShift Service Mesh 3. "
            "`kubernetes`: upstream's Sail and Knative operators."
        ),
    ] = "sm2"
    domain: Annotated[Host, Meta(description="The cluster's domain: services are NAME-NAMESPACE.DOMAIN.")]
    certificate: Annotated[Certificate, Meta(description="The certificate for incoming traffic.")] = (
        Certificate()
    )
    mesh: Annotated[Mesh, Meta(description="The service mesh.")] = Mesh()
    members: Annotated[
        tuple[Name, ...],
        Meta(
            description="Namespaces in the mesh: knative-serving, knative-eventing and those with services."
        ),
    ]
    gateways: Annotated[Gateways, Meta(description="Names of the Gateways.")] = Gateways()
    serving: Annotated[Serving, Meta(description="Knative Serving.")] = Serving()
    eventing: Annotated[Eventing, Meta(description="Knative Eventing.")] = Eventing()
    kafka: Annotated[Kafka, Meta(description="Kafka broker, channel, source, sink.")] = Kafka()
    metrics: Annotated[Metrics, Meta(description="Metrics.")] = Metrics()
    network_policies: Annotated[NetworkPolicies, Meta(description="NetworkPolicies.")] = NetworkPolicies()
    secret_filtering: Annotated[
        bool,
        Meta(
            description="Whether the net-istio controller reads only Secrets with the label "
            "`networking.internal.knative.dev/certificate-uid`."
        ),
    ] = True
    tenants: Annotated[tuple[Tenant, ...], Meta(description="Tenants that are kept apart.")] = ()
    versions: Annotated[Versions, Meta(description="The versions that the manifests are for.")] = Versions()

    @property
    def mesh_name(self) -> str:
        """The control plane's name."""
        if isinstance(self.mesh.name, str):
            return self.mesh.name
        return "basic" if self.profile == "sm2" else "default"

    @property
    def gateway_namespace(self) -> str:
        """The namespace of the ingress gateway's pods, where its certificate's Secret must be."""
        return self.gateways.namespace if self.profile == "sm3" else self.mesh.namespace

    @property
    def gateway_service(self) -> str:
        """The name of the ingress gateway's Service."""
        return "knative-istio-ingressgateway" if self.profile == "sm3" else "istio-ingressgateway"

    @property
    def local_mtls(self) -> bool:
        """Whether the local Gateway demands a certificate of the mesh."""
        asked = self.gateways.local_mtls
        return asked if isinstance(asked, bool) else self.profile != "sm3"

    @property
    def operator_policies(self) -> bool:
        """Whether the Serverless operator makes NetworkPolicies."""
        asked = self.network_policies.serverless
        return asked if isinstance(asked, bool) else self.profile == "sm2"

    @property
    def istio_version(self) -> str:
        """The version of Istio that the Sail operator installs."""
        return self.versions.istio if isinstance(self.versions.istio, str) else "v1.26-latest"

    @property
    def certificate_hosts(self) -> tuple[str, ...]:
        """The names that the certificate is for."""
        return self.certificate.hosts or (f"*.{self.domain}",)

    @property
    def projects(self) -> tuple[str, ...]:
        """The members that are neither Serving's nor Eventing's namespace: those with services."""
        return tuple(m for m in self.members if m not in SYSTEM_MEMBERS)
