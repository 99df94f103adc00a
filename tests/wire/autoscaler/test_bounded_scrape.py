"""A pod decides what it answers to a scrape; what that costs the autoscaler is bounded.

Source: CVE-2023-48713 (knative/serving): a pod that answers without end took the autoscaler's memory.
"""

from __future__ import annotations

import asyncio
import math
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hauberk.autoscaler.metrics import Reading, parse_metrics
from hauberk.autoscaler.scrape import ScrapeFailed, fetch

LIMIT = 1 << 20
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def one_endless_header(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def chunked_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\na\r\n" * 4096)
        await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def nothing(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    await asyncio.sleep(60)


async def scraped(answer: Answer, folder: Path, timeout_s: float) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(writer)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    socket = folder / "pod.sock"
    server = await asyncio.start_unix_server(serve, str(socket))
    try:
        return await fetch(socket, "/metrics", {"host": "x"}, timeout_s=timeout_s, limit=LIMIT)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (endless, "too long"),
        (one_endless_header, "too long"),
        (chunked_without_end, "too long"),
        (trickle, "no answer within"),
        (nothing, "no answer within"),
    ],
)
def test_an_answer_without_end_is_cut_off(answer: Answer, why: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ScrapeFailed, match=why):
            asyncio.run(scraped(answer, tmp_path, 5.0 if why == "too long" else 0.3))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT


@pytest.mark.parametrize("value", ["1e999", "-5", "NaN", "-1e999", "1" * 400])
def test_a_number_that_is_none_counts_as_nothing(value: str) -> None:
    line = f'envoy_cluster_upstream_rq_active{{envoy_cluster_name="queue|user"}} {value}\n'
    found = parse_metrics(line)
    assert found == Reading()
    assert math.isfinite(found.active)
