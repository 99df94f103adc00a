"""HBK11xx and HBK19xx: certificates, the Secrets that hold them, and the filter that may hide them."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.checks import mesh, pem
from hauberk.checks.knative import SERVING, gateways, serving_of
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, dig

SECRET = "Secret"
TLS_TYPE = "kubernetes.io/tls"
UID_LABEL = "networking.internal.knative.dev/certificate-uid"
DOMAIN_MAPPING = "DomainMapping.serving.knative.dev"
INGRESS_CONFIG = "Ingress.config.openshift.io"
FILTER = "ENABLE_SECRET_INFORMER_FILTERING_BY_CERT_UID"
FILTERED = ("net-istio-controller", "controller")
CONTAINERS = {"net-istio-controller": "controller", "controller": "controller"}
SOON_DAYS = 60
DAY_S = 86400.0
SIZE = "hauberk.dev/bytes"  # beside the data of a Secret that was read from a cluster: how much it was
MANY_BYTES = 100 * 2**20


def _named(world: World) -> Iterator[tuple[Item, Path, str, str]]:
    """(Gateway, path, namespace, name) of every credential of Knative's ingress Gateways."""
    for row in gateways(serving_of(world)):
        gateway = world.named(mesh.GATEWAY, row.namespace, row.name)
        if gateway is None:
            continue
        spaces = sorted({p.namespace for p in mesh.selected_pods(world, gateway)})
        for path, server in mesh.servers(gateway):
            name = dig(server, ("tls", "credentialName"))
            for namespace in spaces if name else ():
                yield gateway, (*path, "tls", "credentialName"), namespace, str(name)


def unresolved(world: World) -> Iterator[Found]:
    """The certificate's Secret is not where the gateway's pods are."""
    for gateway, path, namespace, name in _named(world):
        if world.named(SECRET, namespace, name) is None:
            other = next((s for s in world.all(SECRET) if s.name == name), None)
            found = f"no Secret {namespace}/{name}" + (f", only {other.ref}" if other else "")
            yield Found(item=gateway, path=path, found=found)


def _used(world: World) -> Iterator[Item]:
    """The Secrets that Knative's ingress Gateways serve."""
    seen = set()
    for _, _, namespace, name in _named(world):
        secret = world.named(SECRET, namespace, name)
        if secret is not None and secret.ref not in seen:
            seen.add(secret.ref)
            yield secret


def _chains(world: World) -> Iterator[tuple[Item, pem.Chain]]:
    for secret in _used(world):
        chain = pem.chain_of(pem.text_of(secret.obj, "tls.crt"))
        if chain is not None:
            yield secret, chain


def wrong_type(world: World) -> Iterator[Found]:
    """The certificate's Secret is not a TLS Secret."""
    for secret in _used(world):
        if secret.get("type") != TLS_TYPE:
            yield Found(item=secret, path=("type",), found=f"`{secret.get('type') or 'Opaque'}`")
        for key in ("tls.crt", "tls.key"):
            if not pem.text_of(secret.obj, key):
                yield Found(item=secret, path=("data", key), found=f"no {key}")


def unreadable(world: World) -> Iterator[Found]:
    """The certificate cannot be read."""
    for secret in _used(world):
        text = pem.text_of(secret.obj, "tls.crt")
        if text and pem.chain_of(text) is None:
            yield Found(item=secret, path=("data", "tls.crt"), found="no certificate in PEM")


def other_key(world: World) -> Iterator[Found]:
    """The key belongs to another certificate."""
    for secret, _ in _chains(world):
        key = pem.text_of(secret.obj, "tls.key")
        if key and not pem.belongs(pem.text_of(secret.obj, "tls.crt"), key):
            yield Found(item=secret, path=("data", "tls.key"), found="the key of another certificate")


def expired(world: World) -> Iterator[Found]:
    """The certificate is not valid now."""
    for secret, chain in _chains(world):
        for cert in chain.certificates:
            if cert.ends <= world.now:
                days = (world.now - cert.ends) / DAY_S
                said = f"{cert.subject} ended {days:.0f} days ago"
                yield Found(item=secret, path=("data", "tls.crt"), found=said)
            elif cert.begins > world.now:
                yield Found(item=secret, path=("data", "tls.crt"), found=f"{cert.subject} is not valid yet")


def soon(world: World) -> Iterator[Found]:
    """The certificate ends soon."""
    for secret, chain in _chains(world):
        left = (chain.leaf.ends - world.now) / DAY_S
        if 0 < left < min(SOON_DAYS, (chain.leaf.ends - chain.leaf.begins) / DAY_S / 3):
            yield Found(item=secret, path=("data", "tls.crt"), found=f"{left:.0f} days left")


def no_san(world: World) -> Iterator[Found]:
    """The certificate has no subjectAltName."""
    for secret, chain in _chains(world):
        if not chain.leaf.names:
            found = f"no subjectAltName, only CN {chain.leaf.common_name}"
            yield Found(item=secret, path=("data", "tls.crt"), found=found)


def _domains(world: World) -> Iterator[str]:
    for item in world.all(INGRESS_CONFIG):
        if item.get("spec", "domain"):
            yield str(item.get("spec", "domain"))
    serving = serving_of(world)
    found = serving.get("spec", "config", "domain") if serving else None
    yield from (str(k) for k in found) if isinstance(found, dict) else ()


def other_domain(world: World) -> Iterator[Found]:
    """The certificate is for another domain."""
    for secret, chain in _chains(world):
        for domain in _domains(world):
            if chain.leaf.names and f"*.{domain}" not in chain.leaf.names:
                found = ", ".join(chain.leaf.names)
                yield Found(item=secret, path=("data", "tls.crt"), found=found, wanted=f"*.{domain}")


def serials(world: World) -> Iterator[Found]:
    """A serial number is 0 or was used twice."""
    seen: dict[tuple[str, int], Item] = {}
    for secret, chain in _chains(world):
        for cert in chain.certificates:
            if cert.serial == 0:
                yield Found(item=secret, path=("data", "tls.crt"), found=f"serial 0 of {cert.subject}")
            other = seen.setdefault((cert.issuer, cert.serial), secret)
            if other is not secret and cert is chain.leaf:
                found = f"serial {cert.serial} of {cert.issuer}, as in {other.ref}"
                yield Found(item=secret, path=("data", "tls.crt"), found=found)


def broken_chain(world: World) -> Iterator[Found]:
    """The chain does not hold."""
    for secret, _ in _chains(world):
        broken = pem.first_break(pem.text_of(secret.obj, "tls.crt"), pem.text_of(secret.obj, "ca.crt"))
        if broken:
            yield Found(item=secret, path=("data", "tls.crt"), found=broken)


def no_authority(world: World) -> Iterator[Found]:
    """An issuing certificate is no authority."""
    for secret, chain in _chains(world):
        authorities = pem.chain_of(pem.text_of(secret.obj, "ca.crt"))
        found = [*chain.certificates[1:], *(authorities.certificates if authorities else ())]
        for cert in found:
            if not cert.is_authority:
                yield Found(item=secret, path=("data", "tls.crt"), found=f"{cert.subject} without CA:TRUE")


def unlabelled(world: World) -> Iterator[Found]:
    """A Secret that Serving needs is filtered away."""
    if _filter(world)[1] is False:
        return
    for mapping in world.all(DOMAIN_MAPPING):
        name = mapping.get("spec", "tls", "secretName")
        secret = world.named(SECRET, mapping.namespace, str(name)) if name else None
        if secret is not None and UID_LABEL not in secret.labels:
            found = f"no label, though {mapping.ref} needs it"
            yield Found(item=secret, path=("metadata", "labels", UID_LABEL), found=found)


def mapping_without_secret(world: World) -> Iterator[Found]:
    """A custom domain's certificate is not in its namespace."""
    for mapping in world.all(DOMAIN_MAPPING):
        name = mapping.get("spec", "tls", "secretName")
        if name and world.named(SECRET, mapping.namespace, str(name)) is None:
            other = next((s for s in world.all(SECRET) if s.name == name), None)
            if world.live or other is not None:
                found = f"no Secret {mapping.namespace}/{name}" + (f", only {other.ref}" if other else "")
                yield Found(item=mapping, path=("spec", "tls", "secretName"), found=found)


def _filter(world: World) -> tuple[Path, bool | None]:
    """(path, value) of the filter; None where nothing is said, which means on."""
    for item in world.all(SERVING):
        for path, _, _, value in _settings(item):
            if str(value).lower() in ("true", "false"):
                return path, str(value).lower() == "true"
    return (), None


def _settings(item: Item) -> Iterator[tuple[Path, str, str, str]]:
    """(path, workload, container, value) of every mention of the filter."""
    for key in ("workloads", "deployments"):
        for path, row in item.rows("spec", key):
            for index, env in enumerate(row.get("env") or ()):
                for place, var in enumerate(dig(env, ("envVars",)) or ()):
                    if dig(var, ("name",)) == FILTER:
                        where: Path = (*path, "env", index, "envVars", place, "value")
                        yield (
                            where,
                            str(row.get("name")),
                            str(dig(env, ("container",))),
                            str(var.get("value")),
                        )


def filter_unread(world: World) -> Iterator[Found]:
    """The setting of the Secret filter is read by nobody."""
    for item in world.all(SERVING):
        for path, workload, container, value in _settings(item):
            if workload not in FILTERED:
                yield Found(item=item, path=path, found=f"on workload `{workload}`")
            elif container != CONTAINERS[workload]:
                yield Found(item=item, path=path, found=f"on container `{container}`")
            elif value.lower() not in ("true", "false"):
                yield Found(item=item, path=path, found=f"`{value}`")


def too_many(world: World) -> Iterator[Found]:
    """The Secret filter is off, and there is much to keep in memory."""
    path, on = _filter(world)
    if on is not False:
        return
    size = sum(s.get(SIZE) or 0 for s in world.all(SECRET))
    for item in world.all(SERVING)[:1] if size > MANY_BYTES else ():
        found = f"{len(world.all(SECRET))} Secrets with {size / 2**20:.0f} MiB are all kept in memory"
        yield Found(item=item, path=path, found=found)
