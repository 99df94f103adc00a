"""Sees every change: what is there first, then each event in order, and all again when history is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import Any, cast

from hauberk.base.apierrors import Gone
from hauberk.ports import Api, Snapshot, WatchEvent

log = logging.getLogger(__name__)


async def follow(
    api: Api,
    kinds: Collection[str] | None,
    begin: Callable[[Snapshot], None],
    notice: Callable[[WatchEvent], None],
) -> None:
    """Call `begin` with the present state and `notice` for every event of these kinds (None: all) after it.

    Works until cancelled.
    """
    while True:
        snapshot = api.snapshot()
        since = snapshot.revision
        begin(snapshot)
        try:
            changes = api.watch(kinds, since=since)
            async with aclosing(cast(Any, changes)):
                async for batch in changes:
                    for event in batch:
                        notice(event)
        except Gone:
            log.warning("watch history is gone, listing again", extra={"since": since})
