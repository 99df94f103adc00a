"""Services as nft rules in the pod network's root namespace: kube-proxy's place. Pure.

A pod's packet to a Service address comes by the root namespace, is sent to one of the endpoints at random,
and keeps its source address. Only a pod that reaches itself through a Service sees the node's address
instead of its own.

Deviation: session affinity, traffic policies and weights do not act; established UDP flows keep their
endpoint.
Source: kubernetes pkg/proxy/nftables/proxier.go (sets, maps and chains by the same idea).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TABLE = "hauberk_services"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one Service address. `protocol` is lower case; `endpoints` are (address, port)."""

    name: str
    address: str
    protocol: str
    port: int
    endpoints: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> str:
        """The three values that a packet is looked up by."""
        return f"{self.address} . {self.protocol} . {self.port}"


def service_rules(ports: Iterable[ServicePort]) -> str:
    """One script that replaces all Service rules atomically. The first of two equal keys wins.

    | endpoints | a new connection                  |
    |-----------|-----------------------------------|
    | some      | goes to one of them, at random    |
    | none      | is refused at once                |
    """
    rows = sorted({p.key: p for p in reversed(list(ports))}.values(), key=lambda p: p.key)
    serving = [p for p in rows if p.endpoints]
    chains = {p.key: f"service_{number}" for number, p in enumerate(serving)}
    lookup = "ip daddr . meta l4proto . th dport"
    hairpin = sorted({f"{ip} . {ip}" for p in serving for ip, _ in p.endpoints})
    key = "ipv4_addr . inet_proto . inet_service"
    lines = [
        f"table ip {TABLE}",
        f"delete table ip {TABLE}",
        f"table ip {TABLE} {{",
        *_collection("set", "closed", key, [p.key for p in rows if not p.endpoints]),
        *_collection("set", "hairpin", "ipv4_addr . ipv4_addr", hairpin),
        *(line for p in serving for line in _chain(chains[p.key], p)),
        *_collection("map", "open", f"{key} : verdict", [f"{p.key} : goto {chains[p.key]}" for p in serving]),
        *_hook("pods", "nat", "prerouting", "-100", [f"{lookup} vmap @open"]),
        *_hook("node", "nat", "output", "-100", [f"{lookup} vmap @open"]),
        *_hook(
            "back", "nat", "postrouting", "100", ["ct status dnat ip saddr . ip daddr @hairpin masquerade"]
        ),
        *_hook("refuse_pods", "filter", "prerouting", "-150", _refusals(lookup)),
        *_hook("refuse_node", "filter", "output", "-150", _refusals(lookup)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _refusals(lookup: str) -> list[str]:
    return [
        f"meta l4proto tcp {lookup} @closed reject with tcp reset",
        f"{lookup} @closed reject",
    ]


def _collection(kind: str, name: str, type_: str, elements: Sequence[str]) -> list[str]:
    filled = [f"    elements = {{ {', '.join(elements)} }}"] if elements else []
    return [f"  {kind} {name} {{", f"    type {type_}", *filled, "  }"]


def _hook(name: str, kind: str, hook: str, priority: str, rules: Sequence[str]) -> list[str]:
    head = f"    type {kind} hook {hook} priority {priority}; policy accept;"
    return [f"  chain {name} {{", head, *(f"    {rule}" for rule in rules), "  }"]


def _chain(name: str, port: ServicePort) -> list[str]:
    match = f"    meta l4proto {port.protocol} dnat ip to"
    ends = sorted(set(port.endpoints))
    if len(ends) == 1:
        target = f"{ends[0][0]}:{ends[0][1]}"
    else:
        rows = ", ".join(f"{n} : {ip} . {number}" for n, (ip, number) in enumerate(ends))
        target = f"numgen random mod {len(ends)} map {{ {rows} }}"
    return [f"  chain {name} {{", f"{match} {target}", "  }"]
