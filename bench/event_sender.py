"""A sender: `URL COUNT CLIENTS RATE`. RATE 0: each client sends once answered; else events a second."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator

from hauberk.dataplane.client import Client, NoAnswer

BODY = b'{"text":"' + b"x" * 1000 + b'"}'


def headers(name: str, kind: str) -> list[tuple[str, str]]:
    """An event of 1 kB, with the time when it was sent."""
    return [
        ("ce-specversion", "1.0"),
        ("ce-id", name),
        ("ce-source", "/bench"),
        ("ce-type", kind),
        ("ce-sent", repr(time.time())),
        ("content-type", "application/json"),
    ]


async def send(client: Client, url: str, name: str, kind: str = "bench.kind") -> int | str:
    """The status of one event, or why there was none."""
    try:
        return (await client.post(url, headers(name, kind), BODY)).status
    except NoAnswer as error:
        return str(error)[:80]


async def warmed(client: Client, url: str) -> None:
    """Return when the way is open: a sidecar takes a moment."""
    for _ in range(200):
        if await send(client, url, "warm", "bench.warm") == 202:
            return
        await asyncio.sleep(0.05)


async def main(url: str, count: int, clients: int, rate: float) -> None:
    """Send, and print what came of it."""
    client = Client()
    await warmed(client, url)
    answers: Counter[str] = Counter()
    names = iter(range(count))
    began = time.monotonic()

    async def one(number: int) -> None:
        answers[str(await send(client, url, str(number)))] += 1

    async def loop(numbers: Iterator[int]) -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as tasks:
        if not rate:
            for _ in range(clients):
                tasks.create_task(loop(names))
        for number in names if rate else ():
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.create_task(one(number))
    print(json.dumps({"seconds": time.monotonic() - began, "answers": answers}), flush=True)
    client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
