"""The conditions that the Kafka kinds share. Pure.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/reconciler/base/receiver_condition_set.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import Condition, ready
from hauberk.base.refs import Json, Ref
from hauberk.events.contract import PENDING
from hauberk.events.roles import Acked, Serves
from hauberk.kafka.access import Access, Refused
from hauberk.kafka.names import CONTROLLER_ROLE, SYSTEM
from hauberk.kafka.reach import hint, is_running, pods_of
from hauberk.kinds.eventing.addressable import Answer, Unresolved
from hauberk.ports import Snapshot

NO_DATA_PLANE = "Did you install the data plane for this component?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What every Kafka object's decision depends on."""

    obj: Json
    access: Access
    running: Mapping[str, bool]  # role → whether a pod of it is ready
    acked: Mapping[str, Acked | None]  # role → what it says of this object
    topics: Acked | None  # what kafka-controller says of the object's topics
    admin: bool  # whether there is a kafka-controller at all
    mesh: str  # what of the mesh keeps the components from the cluster

    @property
    def generation(self) -> int:
        """Of the object."""
        return int(self.obj["metadata"].get("generation") or 0)


def seen(obj: Json, access: Access, roles: Sequence[str], snapshot: Snapshot, serves: Serves) -> Seen:
    """Look at an object whose events these roles carry."""
    uid = obj["metadata"]["uid"]
    servers = "" if isinstance(access, Refused) else access.servers
    return Seen(
        obj=obj,
        access=access,
        running={role: is_running(role, snapshot) for role in roles},
        acked={role: serves(role, uid) for role in roles},
        topics=serves(CONTROLLER_ROLE, uid),
        admin=bool(pods_of(CONTROLLER_ROLE, snapshot)),
        mesh=hint(servers, CONTROLLER_ROLE, snapshot) if servers else "",
    )


def available(world: Seen) -> Condition:
    """DataPlaneAvailable: a pod of each role is ready."""
    if all(world.running.values()):
        return Condition("DataPlaneAvailable", "True")
    return Condition("DataPlaneAvailable", "False", "Data plane not available", NO_DATA_PLANE)


def parsed(world: Seen) -> Condition:
    """ConfigParsed: cluster and credentials are known."""
    if isinstance(world.access, Refused):
        return Condition("ConfigParsed", "False", "FailedToResolveConfig", world.access.why)
    return Condition("ConfigParsed", "True")


def topic_ready(world: Seen, topics: Sequence[str], *, made: bool) -> Condition:
    """TopicReady: kafka-controller saw the topics."""
    names = ", ".join(topics)
    if not world.admin:
        text = f"No {CONTROLLER_ROLE} runs in {SYSTEM}"
        return Condition("TopicReady", "Unknown", "NoController", text)
    if world.topics is None or world.topics.generation < topics_generation(world.obj):
        return Condition("TopicReady", "Unknown", "NotYetLooked", f"Waiting for {CONTROLLER_ROLE}")
    if world.topics.problem == PENDING:
        return Condition("TopicReady", "Unknown", "NotYetKnown", f"{CONTROLLER_ROLE} is connecting to Kafka")
    if world.topics.problem:
        reason = f"Failed to create topic: {names}" if made else "Topic is not present or invalid"
        why = f"{world.topics.problem}; {world.mesh}" if world.mesh else world.topics.problem
        return Condition("TopicReady", "False", reason, why)
    return Condition("TopicReady", "True", f"Topic {names} {'created' if made else '(owner external)'}")


def topics_generation(obj: Json) -> int:
    """The generation of what is asked of kafka-controller: deletion asks for something else."""
    meta = obj["metadata"]
    return 2 * int(meta.get("generation") or 0) + bool(meta.get("deletionTimestamp"))


def served(type: str, world: Seen, role: str) -> Condition:  # noqa: A002
    """A condition that a role's processes answer for: upstream's data plane ConfigMap and probe.

    Deviation: upstream only knows that the ConfigMap was written.
    """
    acked = world.acked.get(role)
    if acked is None or acked.generation < world.generation:
        return Condition(type, "Unknown", "NotYetServed", f"Waiting for {role} to take it")
    if acked.problem == PENDING:
        return Condition(type, "Unknown", "NotYetKnown", f"{role} is connecting to Kafka")
    if acked.problem:
        why = f"{acked.problem}; {world.mesh}" if world.mesh else acked.problem
        return Condition(type, "False", "CannotBeServed", f"{role}: {why}")
    return Condition(type, "True")


def dead_letter(answer: Answer | None) -> tuple[dict[str, Any], Condition | None]:
    """The fields of a resolved dead letter sink, and the condition about it when one is named."""
    if answer is None:
        return {}, None
    if isinstance(answer, Unresolved):
        return {}, Condition(
            "DeadLetterSinkResolved", "False", "Unable to get the dead letter sink's URI", answer.why
        )
    fields = {"deadLetterSinkUri": answer.url, "deadLetterSinkCACerts": answer.ca}
    return {k: v for k, v in fields.items() if v}, Condition("DeadLetterSinkResolved", "True")


def rows(types: Sequence[str], *found: Condition | None) -> list[dict[str, Any]]:
    """A status's conditions: what was found, Unknown for the rest, and Ready of them all."""
    known = {c.type: c for c in found if c is not None}
    parts = [known.get(name, Condition(name, "Unknown")) for name in types]
    parts += [c for name, c in known.items() if name not in types]
    return [c.as_json() for c in sorted([*parts, ready(parts)], key=lambda c: c.type)]


def address(url: str) -> dict[str, Any]:
    """The address fields of a status."""
    one = {"name": "http", "url": url}
    return {"address": one, "addresses": [one]}


def config_map(name: str) -> Ref:
    """A ConfigMap of the components' namespace."""
    return Ref("ConfigMap", SYSTEM, name)
