"""Many requests that are held at once: the control plane takes all of them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationStub

from hauberk.ports import Reject

BURST = 4000  # above the gRPC library's own limit of calls that wait to be looked at


async def test_a_burst_of_held_requests_is_taken_whole(world: Any) -> None:
    let_go = asyncio.Event()

    async def wait(request: Any) -> Any:
        await let_go.wait()
        return Reject(418, "held")

    world.answer = wait
    async with grpc.aio.insecure_channel(f"unix:{world.directory / 'xds.sock'}") as channel:
        check = AuthorizationStub(channel).Check
        asked = [asyncio.ensure_future(check(CheckRequest())) for _ in range(BURST)]
        async with asyncio.timeout(20):
            while len(world.holds) < BURST:
                assert not any(call.done() for call in asked)
                await asyncio.sleep(0.05)
            let_go.set()
            answers = await asyncio.gather(*asked)
    assert {answer.denied_response.status.code for answer in answers} == {418}
