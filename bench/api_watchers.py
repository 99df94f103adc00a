"""A thousand watches of one client: counts what comes, and when each write was seen by all of them.

`python -m bench.api_watchers PORT WATCHES` reads commands from stdin and answers each with a line of JSON.
`single N`: N writes one after the other, each seen by all; latencies. `stream S`: 16 writers for S seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.api_server import VALUE

HEADERS = 'Host: x\r\nx-forwarded-client-cert: Subject="CN=admin,O=system:masters"\r\n'
PATH = "/api/v1/namespaces/default/configmaps"
MARK = b'{"type":"'
WRITERS = 16


class Watch(asyncio.Protocol):
    """One watch. `seen` counts its events, `times` are when data came."""

    def __init__(self, all_seen: Any) -> None:
        self.seen, self._tail, self._all_seen = 0, b"", all_seen
        self.last = 0.0

    def connection_made(self, transport: Any) -> None:
        """Ask for the watch."""
        transport.write(f"GET {PATH}?watch=1&resourceVersion=0&sendInitialEvents=false"
                        f"&resourceVersionMatch=NotOlderThan HTTP/1.1\r\n{HEADERS}\r\n".encode())  # fmt: skip

    def data_received(self, data: bytes) -> None:
        """Count the events that begin here."""
        text = self._tail + data
        found = text.count(MARK)
        self._tail = text[-len(MARK) + 1 :]
        if found:
            self.last = time.perf_counter()
            self.seen += found
            self._all_seen(found)


class Client:
    """The watches, and keep-alive connections that write."""

    def __init__(self, port: int) -> None:
        self.port, self.total, self.goal, self.made = port, 0, 0, 0
        self.reached = asyncio.Event()
        self.watches: list[Watch] = []

    def count(self, found: int) -> None:
        """So many more events came."""
        self.total += found
        if self.total >= self.goal:
            self.reached.set()

    async def open(self, watches: int) -> None:
        """Begin to watch."""
        loop = asyncio.get_running_loop()
        for _ in range(watches):
            _, watch = await loop.create_connection(lambda: Watch(self.count), "127.0.0.1", self.port)
            self.watches.append(watch)
        await asyncio.sleep(2)  # until the last is subscribed

    async def write(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Create one object and wait for the answer."""
        self.made += 1
        body = json.dumps({"metadata": {"name": f"w-{self.made}"}, "data": {"value": VALUE}})
        writer.write(
            f"POST {PATH} HTTP/1.1\r\n{HEADERS}content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 201 " in head.partition(b"\r\n")[0], head
        length = next(h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))

    async def single(self, writes: int) -> dict[str, Any]:
        """Writes one by one: how long each took to each watcher."""
        streams = await asyncio.open_connection("127.0.0.1", self.port)
        latencies: list[float] = []
        for _ in range(writes):
            self.goal = self.total + len(self.watches)
            self.reached.clear()
            began = time.perf_counter()
            await self.write(*streams)
            await asyncio.wait_for(self.reached.wait(), 30)
            latencies += [watch.last - began for watch in self.watches]
            await asyncio.sleep(0.2)
        return {"latencies": latencies}

    async def stream(self, seconds: float) -> dict[str, Any]:
        """Writes from all writers: events, writes and the time until the last was seen."""
        self.goal = 1 << 60
        before, made, began = self.total, self.made, time.perf_counter()

        async def work() -> None:
            streams = await asyncio.open_connection("127.0.0.1", self.port)
            while time.perf_counter() - began < seconds:
                await self.write(*streams)

        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(work())
        self.goal, self.reached = before + (self.made - made) * len(self.watches), asyncio.Event()
        self.count(0)
        await asyncio.wait_for(self.reached.wait(), 60)
        took = max(watch.last for watch in self.watches) - began
        assert self.total == self.goal, "each watch sees each write once"
        return {"events": self.total - before, "writes": self.made - made, "seconds": took}


async def main(port: int, watches: int) -> None:
    """Answer commands until stdin ends."""
    client = Client(port)
    await client.open(watches)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, value = line.split()
        result = await (client.single(int(value)) if command == "single" else client.stream(float(value)))
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
