"""Role `imc-dispatcher`: the InMemoryChannels, durable unless told otherwise.

Deviation: upstream's channel is in memory and loses what it holds; ours keeps what it acknowledged
(`hauberk.dev/durable: "false"` on the channel brings upstream's back).
"""

from __future__ import annotations

import asyncio

from hauberk.dataplane.dispatcher import Dispatcher
from hauberk.dataplane.place import Place


async def run(place: Place) -> None:
    """Serve until the end; then let deliveries under way end."""
    dispatcher = Dispatcher(place)
    await place.obey(dispatcher.apply)
    server = await place.serve(dispatcher.handle)
    tending = place.tasks.create_task(dispatcher.tend())
    await place.stopping.wait()
    await place.lame(server)
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
    await dispatcher.close()
