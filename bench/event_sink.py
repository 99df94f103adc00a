"""A subscriber inside of a pod: counts what it gets on 8080, and says so on 8081 (POST begins anew)."""

import asyncio
import json
import time

from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.server import Server


class Sink:
    """What came, and how long it took from the sender to here."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Count anew."""
        self.seen: dict[str, int] = {}
        self.took: list[float] = []
        self.first = self.last = 0.0

    async def take(self, request: Request) -> Answer:
        """One event."""
        self.last = time.time()
        self.first = self.first or self.last
        name = request.headers["ce-id"]
        self.seen[name] = self.seen.get(name, 0) + 1
        self.took.append(self.last - float(request.headers["ce-sent"]))
        return Answer(202)

    async def tell(self, request: Request) -> Answer:
        """The figures."""
        took = sorted(self.took) or [0.0]
        said = {
            "different": len(self.seen),
            "deliveries": len(self.took),
            "seconds": self.last - self.first,
            "p50": took[len(took) // 2],
            "p99": took[int(len(took) * 0.99)],
        }
        if request.method == "POST":
            self.clear()
        return Answer(200, {}, json.dumps(said).encode())


async def main() -> None:
    """Serve until killed."""
    sink = Sink()
    async with asyncio.TaskGroup() as tasks:
        await Server(sink.take, tasks).listen(None, 8080)
        await Server(sink.tell, tasks).listen(None, 8081)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
