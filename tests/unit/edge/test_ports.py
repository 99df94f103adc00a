"""Which ports the edge takes."""

from __future__ import annotations

import pytest

from hauberk.edge.ports import Ports, State, decide

NOTHING: dict[str, int | None] = {}


def world(taken: tuple[int, ...] = (), forbidden: tuple[int, ...] = ()):  # type: ignore[no-untyped-def]
    def probe(port: int) -> State:
        return "taken" if port in taken else "forbidden" if port in forbidden else "free"

    return probe


@pytest.mark.parametrize(
    ("taken", "forbidden", "before", "expected"),
    [
        ((), (), None, Ports(6443, 443, 80)),
        ((), (443, 80), None, Ports(6443, 8443, 8080)),
        ((6443,), (443, 80), None, Ports(50001, 8443, 8080)),
        ((6443, 8443, 8080), (443, 80), None, Ports(50001, 50002, 50003)),
        ((), (), Ports(50009, 8443, 8080), Ports(50009, 8443, 8080)),
        ((50009,), (), Ports(50009, 8443, 8080), Ports(6443, 8443, 8080)),
    ],
)
def test_usual_ports_come_first_then_free_ones(
    taken: tuple[int, ...], forbidden: tuple[int, ...], before: Ports | None, expected: Ports
) -> None:
    assert decide(NOTHING, before, world(taken, forbidden), range(50001, 50010)) == expected


def test_a_port_that_was_asked_for_is_taken_or_refused() -> None:
    asked = {"https": 9443}
    assert decide(asked, None, world(), ()) == Ports(6443, 9443, 80)
    assert decide(asked, None, world(taken=(9443,)), ()) == ("https", 9443, "taken")
    assert decide({"http": 80}, None, world(forbidden=(80,)), ()) == ("http", 80, "forbidden")


def test_one_port_is_not_given_to_two_doors() -> None:
    assert decide({"https": 6443}, None, world(), range(50001, 50009)) == Ports(50001, 6443, 80)
    assert decide({"https": 9, "http": 9}, None, world(), ()) == ("http", 9, "taken")
