"""Names and versions that several operators share."""

from __future__ import annotations

CONTROL_PLANE = "ServiceMeshControlPlane.maistra.io"
MEMBER_ROLL = "ServiceMeshMemberRoll.maistra.io"
MEMBER = "ServiceMeshMember.maistra.io"
SERVING = "KnativeServing.operator.knative.dev"
EVENTING = "KnativeEventing.operator.knative.dev"
KAFKA = "KnativeKafka.operator.serverless.openshift.io"
DEPLOYMENT = "Deployment.apps"
NETWORK_POLICY = "NetworkPolicy.networking.k8s.io"
PEER_AUTHENTICATION = "PeerAuthentication.security.istio.io"
DESTINATION_RULE = "DestinationRule.networking.istio.io"
GATEWAY = "Gateway.networking.istio.io"
CLUSTER_INGRESS = "Ingress.config.openshift.io"

CLUSTER_DOMAIN = "cluster.local"
TRUST_DOMAIN = "cluster.local"

MEMBER_OF = "maistra.io/member-of"
KIALI_MEMBER_OF = "kiali.io/member-of"
CREATED_BY = "maistra.io/created-by"
ROOT_CERT = "istio-ca-root-cert"

PROXY_IMAGE = "hauberk.local/proxyv2"
COMPONENT_IMAGE = "hauberk.local/component"
EVENTING_IMAGE = "hauberk.local/eventing"
WORK = "hauberk.dev/work"
PLACEHOLDER = "hauberk.dev/placeholder"

SMCP_CHARTS = {"v2.4": "2.4.13", "v2.5": "2.5.10", "v2.6": "2.6.6"}
KNATIVE_VERSION = "1.17.0"  # what OpenShift Serverless 1.37 carries
