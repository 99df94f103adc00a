"""What a user means by `broker/default`: an object with an address, or a URL. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref

KINDS = {
    "broker": "Broker.eventing.knative.dev",
    "channel": "Channel.messaging.knative.dev",
    "inmemorychannel": "InMemoryChannel.messaging.knative.dev",
    "imc": "InMemoryChannel.messaging.knative.dev",
    "kafkachannel": "KafkaChannel.messaging.knative.dev",
    "kafkasink": "KafkaSink.eventing.knative.dev",
    "jobsink": "JobSink.sinks.knative.dev",
    "sequence": "Sequence.flows.knative.dev",
    "parallel": "Parallel.flows.knative.dev",
    "ksvc": "Service.serving.knative.dev",
    "service": "Service",
}
WATCHED = ("broker", "channel", "inmemorychannel", "imc", "kafkachannel")


@dataclass(frozen=True, slots=True)
class Named:
    """An object by its short kind and name."""

    word: str
    ref: Ref


def parse_target(text: str, namespace: str) -> Named | str:
    """An object, or the URL itself. Raises Problem when it is neither."""
    if "://" in text:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname:
            return text
    word, slash, name = text.partition("/")
    kind = KINDS.get(word.lower())
    if kind is None or not slash or not name or "/" in name:
        raise Problem(
            "this is nowhere to send an event to",
            wanted=f"KIND/NAME with one of {', '.join(KINDS)}, or an http URL",
            found=text,
            fix="hauberk events send broker/default --type com.example.hello",
        )
    return Named(word.lower(), Ref(kind, namespace, name))


def url_of(named: Named, found: Json | None) -> str:
    """Where the object takes events. Raises Problem when it has no address."""
    ref = named.ref
    if found is None:
        raise Problem(
            f"there is no {named.word} {ref.name}",
            wanted=f"{named.word} {ref.name} in namespace {ref.namespace}",
            found="nothing of that name",
            fix=f"kubectl get {named.word} --all-namespaces",
        )
    if ref.kind == "Service":
        return f"http://{ref.name}.{ref.namespace}.svc.cluster.local"
    status = found.get("status") or {}
    url = str((status.get("address") or {}).get("url") or "")
    if not url:
        raise Problem(
            f"{named.word} {ref.name} has no address yet",
            wanted="status.address.url",
            found=why_not_ready(found),
            fix=f"kubectl describe {named.word} {ref.name} --namespace {ref.namespace}",
        )
    return url


def why_not_ready(found: Json) -> str:
    """What an object's conditions say is missing."""
    rows = (found.get("status") or {}).get("conditions") or ()
    wrong = [c for c in rows if c.get("status") != "True" and c.get("type") != "Ready"]
    told = [f"{c['type']}: {c.get('reason', '')} {c.get('message', '')}".strip() for c in wrong]
    return "; ".join(told) or "no conditions"
