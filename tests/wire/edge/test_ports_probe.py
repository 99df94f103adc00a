"""Looking at the machine's ports."""

from __future__ import annotations

import os
import socket

import pytest

from hauberk.base.problems import Problem
from hauberk.edge.ports import any_free, choose, probe


def test_a_taken_port_that_was_asked_for_names_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert probe("127.0.0.1", port) == "taken"
        with pytest.raises(Problem) as told:
            choose(address="127.0.0.1", api=port)
    assert f"(pid {os.getpid()})" in told.value.found
    assert "--api-port" in told.value.fix


def test_a_free_port_that_was_asked_for_is_taken() -> None:
    port = any_free("127.0.0.1")
    assert choose(address="127.0.0.1", api=port).api == port
