"""Wiring of the Channel controller."""

from __future__ import annotations

from hauberk.base.refs import Ref
from hauberk.engine.plan import Controller
from hauberk.eventing.channel.plan import World, plan
from hauberk.eventing.names import BACKING, CHANNEL
from hauberk.kinds.eventing.parts import kind_named
from hauberk.ports import Snapshot


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Channel and what backs it."""
    channel = snapshot.get(ref)
    template = ((channel or {}).get("spec") or {}).get("channelTemplate")
    if channel is None or not template:
        return None
    return World(channel=channel, backing=snapshot.get(Ref(kind_named(template), ref.namespace, ref.name)))


CONTROLLER: Controller[World] = Controller(
    name="channel", kind=CHANNEL, owns=BACKING, observe=observe, plan=plan
)
