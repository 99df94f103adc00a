"""HBK11xx and HBK19xx: certificates and the Secrets that hold them: the rows."""

from __future__ import annotations

from hauberk.checks.judges import secrets as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1101",
        title="The certificate's Secret is not where the gateway's pods are",
        severity=Severity.ERROR,
        wanted="a Secret of that name in the namespace of the gateway's pods",
        fix="oc create secret tls NAME --cert=wildcard.crt --key=wildcard.key -n THE-GATEWAY-NAMESPACE",
        why=(
            "The gateway reads the Secret in its own namespace only: istio-system with Service Mesh "
            "2, the gateway's namespace with Service Mesh 3. Without it Envoy refuses the "
            "listener, and with it every other host of the port."
        ),
        needs=("Secret",),
        judge=judge.unresolved,
        source="knative/serving#7264",
    ),
    Check(
        code="HBK1102",
        title="The certificate's Secret is not a TLS Secret",
        severity=Severity.ERROR,
        wanted="type kubernetes.io/tls with tls.crt and tls.key",
        fix="create it with `oc create secret tls`",
        why="Istio reads tls.crt and tls.key; other keys are ignored, so the listener gets no certificate.",
        needs=("Secret",),
        judge=judge.wrong_type,
    ),
    Check(
        code="HBK1103",
        title="The certificate cannot be read",
        severity=Severity.ERROR,
        wanted="certificates in PEM",
        fix="put the PEM text into tls.crt",
        why="Envoy refuses what it cannot parse, and keeps the listener back.",
        needs=("Secret",),
        judge=judge.unreadable,
    ),
    Check(
        code="HBK1104",
        title="The key belongs to another certificate",
        severity=Severity.ERROR,
        wanted="the key of the first certificate in tls.crt",
        fix="create the Secret again from the matching pair",
        why=(
            "Envoy refuses the pair: `key values mismatch`. It happens when a certificate was renewed"
            " and only one file was replaced."
        ),
        needs=("Secret",),
        judge=judge.other_key,
    ),
    Check(
        code="HBK1105",
        title="The certificate is not valid now",
        severity=Severity.ERROR,
        wanted="a certificate that is valid today",
        fix="renew it and replace the Secret",
        why="Every client refuses it.",
        needs=("Secret",),
        judge=judge.expired,
    ),
    Check(
        code="HBK1106",
        title="The certificate ends soon",
        severity=Severity.WARNING,
        wanted="60 days or more, or a third of its life",
        fix="renew it and replace the Secret",
        why="Nothing renews a certificate that was made by hand.",
        needs=("Secret",),
        judge=judge.soon,
    ),
    Check(
        code="HBK1107",
        title="The certificate has no subjectAltName",
        severity=Severity.ERROR,
        wanted="a subjectAltName with the wildcard of the domain",
        fix="sign it again with `-extfile <(echo subjectAltName=DNS:*.DOMAIN)`",
        why=(
            "The document's commands make such a certificate. curl with OpenSSL still falls back"
            " to the CN; Go, Python's urllib3 and browsers refuse it."
        ),
        needs=("Secret",),
        judge=judge.no_san,
    ),
    Check(
        code="HBK1108",
        title="The certificate is for another domain",
        severity=Severity.ERROR,
        wanted="the wildcard of the cluster's domain",
        fix="make a certificate for the cluster's domain",
        why="Knative's hosts are below the cluster's apps domain; clients compare names.",
        needs=("Secret",),
        judge=judge.other_domain,
    ),
    Check(
        code="HBK1109",
        title="A serial number is 0 or was used twice",
        severity=Severity.WARNING,
        wanted="a positive number, unique for its issuer",
        fix="sign again without `-set_serial 0`",
        why=(
            "The document signs with serial 0. RFC 5280 asks for positive, unique numbers; some "
            "clients refuse others, and two certificates of one number shadow each other in Firefox."
        ),
        needs=("Secret",),
        judge=judge.serials,
        source="RFC 5280 4.1.2.2",
    ),
    Check(
        code="HBK1110",
        title="The chain does not hold",
        severity=Severity.ERROR,
        wanted="each certificate signed by the next one",
        fix="put the leaf first, then its issuers in order",
        why="Clients cannot find a way from the leaf to the authority they trust.",
        needs=("Secret",),
        judge=judge.broken_chain,
    ),
    Check(
        code="HBK1111",
        title="An issuing certificate is no authority",
        severity=Severity.ERROR,
        wanted="CA:TRUE in its basic constraints",
        fix=(
            "make the root with `openssl req -x509`, or with an extension `basicConstraints=critical,CA:TRUE`"
        ),
        why="Clients do not accept what it signed.",
        needs=("Secret",),
        judge=judge.no_authority,
    ),
    Check(
        code="HBK1901",
        title="A Secret that Serving needs is filtered away",
        severity=Severity.ERROR,
        wanted="label `networking.internal.knative.dev/certificate-uid`",
        fix="oc label secret NAME networking.internal.knative.dev/certificate-uid=ANY-VALUE",
        why=(
            "Since Serverless 1.32 the net-istio controller reads only labelled Secrets. The custom "
            "domain's certificate is never picked up, and nothing says so."
        ),
        needs=("Secret",),
        judge=judge.unlabelled,
        source="openshift-docs#71721",
    ),
    Check(
        code="HBK1902",
        title="The setting of the Secret filter is read by nobody",
        severity=Severity.WARNING,
        wanted="`true` or `false` on container `controller` of `net-istio-controller`",
        fix="correct the workload, the container or the value",
        why="The variable acts on the net-istio controller only. Anywhere else the filter stays on.",
        judge=judge.filter_unread,
    ),
    Check(
        code="HBK1903",
        title="The Secret filter is off, and there is much to keep in memory",
        severity=Severity.WARNING,
        wanted="less than 100 MiB of Secrets, or the filter on",
        fix="remove the variable and label the Secrets that Serving needs",
        why=(
            "Without the filter the net-istio controller keeps every Secret of the cluster in memory,"
            " and is killed for it on large clusters."
        ),
        needs=("Secret",),
        judge=judge.too_many,
        source="knative/serving#12778",
    ),
    Check(
        code="HBK1904",
        title="A custom domain's certificate is not in its namespace",
        severity=Severity.ERROR,
        wanted="the Secret in the namespace of the DomainMapping",
        fix="create the Secret there",
        why="Serving reads it in the namespace of the DomainMapping only; the mapping stays NotReady.",
        needs=("Secret",),
        judge=judge.mapping_without_secret,
        source="knative/serving#14183",
    ),
)
