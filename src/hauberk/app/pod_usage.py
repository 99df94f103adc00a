"""What pods use, from the node to the autoscaler."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hauberk.autoscaler.hpa import Reader, Reading
from hauberk.node.runtime import Runtime
from hauberk.node.usage import usage


def pod_usage(runtime: Runtime) -> Reader:
    """The node's readings of pods."""

    async def read(uids: Collection[str]) -> Mapping[str, Reading]:
        return {uid: Reading(*row) for uid, row in (await usage(runtime, uids)).items()}

    return read
