"""istio-init as one nft script: which TCP connections of a pod go through its Envoy.

`parse_istio_iptables` reads the arguments that injection writes, `nft_rules` says what they mean. Both pure.
The mark 1337 takes the place of the uid 1337: Envoy sets it on its upstream sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, collapse_addresses

MARK = 1337
_PASSTHROUGH_SOURCE = "127.0.0.6"
_OWN_PORTS = (15008,)


@dataclass(frozen=True, slots=True)
class Redirect:
    """What istio-iptables was asked to do. `None` for a list of ports or ranges means all (`*`)."""

    outbound_port: int = 15001
    inbound_port: int = 15006
    inbound_include: tuple[int, ...] | None = None
    inbound_exclude: tuple[int, ...] = ()
    outbound_cidrs: tuple[str, ...] | None = None
    outbound_cidrs_exclude: tuple[str, ...] = ()
    outbound_ports_include: tuple[int, ...] = ()
    outbound_ports_exclude: tuple[int, ...] = ()
    inert: tuple[str, ...] = ()  # flags that were given and do not act; say so in an event


_FIELDS = {
    "-p": "outbound_port",
    "--envoy-port": "outbound_port",
    "-z": "inbound_port",
    "--inbound-capture-port": "inbound_port",
    "-b": "inbound_include",
    "--istio-inbound-ports": "inbound_include",
    "-d": "inbound_exclude",
    "--istio-local-exclude-ports": "inbound_exclude",
    "-i": "outbound_cidrs",
    "--istio-service-cidr": "outbound_cidrs",
    "-x": "outbound_cidrs_exclude",
    "--istio-service-exclude-cidr": "outbound_cidrs_exclude",
    "-q": "outbound_ports_include",
    "--istio-outbound-ports": "outbound_ports_include",
    "-o": "outbound_ports_exclude",
    "--istio-local-outbound-ports-exclude": "outbound_ports_exclude",
}
_ACCEPTED = {  # flags with a value that change nothing here: the identity is the mark, the mode is REDIRECT
    "-u",
    "--proxy-uid",
    "-g",
    "--proxy-gid",
    "-m",
    "--istio-inbound-interception-mode",
    "-e",
    "--inbound-tunnel-port",
    "--log_output_level",
    "--log-output-level",
    "-t",
    "--istio-inbound-tproxy-mark",
    "-r",
    "--istio-inbound-tproxy-route-table",
}
_INERT = {
    "-c": True,
    "-k": True,
    "--kube-virt-interfaces": True,
    "--istio-exclude-interfaces": True,
    "--redirect-dns": False,
    "--capture-all-dns": False,
    "--drop-invalid": False,
    "--dual-stack": False,
}
_SWITCHES = {"--skip-rule-apply", "--run-validation", "--cni-mode", "-n", "--dry-run", "-f", "--force-apply"}


def parse_istio_iptables(args: Sequence[str]) -> Redirect:
    """Read the arguments after (or with) the word `istio-iptables`. ValueError names what is wrong.

    Source: istio tools/istio-iptables/pkg/cmd/root.go, bindCmdlineFlags.
    Deviation: TPROXY is refused; DNS capture and virtual interfaces are accepted and listed in `inert`.
    """
    values: dict[str, object] = {}
    inert: list[str] = []
    rest = [a for a in args if a != "istio-iptables"]
    while rest:
        flag, attached, value = rest.pop(0).partition("=")
        if flag in _SWITCHES or _INERT.get(flag) is False:
            if flag in _INERT and value != "false":
                inert.append(flag)
            continue
        if flag not in _FIELDS and flag not in _ACCEPTED and flag not in _INERT:
            raise ValueError(f"unknown flag: {flag}")
        if not attached:
            if not rest:
                raise ValueError(f"flag needs an argument: {flag}")
            value = rest.pop(0)
        if flag in _FIELDS:
            values[_FIELDS[flag]] = _value(_FIELDS[flag], value)
        elif flag in _INERT and value:
            inert.append(flag)
        elif flag in ("-m", "--istio-inbound-interception-mode") and value != "REDIRECT":
            raise ValueError(f"interception mode is not supported: {value}")
    return Redirect(**values, inert=tuple(inert))  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    if name in ("outbound_port", "inbound_port"):
        return _port(text)
    if text.strip() == "*":
        if name in ("inbound_include", "outbound_cidrs"):
            return None
        raise ValueError("a list is needed, not *")
    parts = [p.strip() for p in text.split(",") if p.strip()]
    if "cidrs" in name:
        return tuple(str(IPv4Network(p, strict=False)) for p in parts)
    return tuple(_port(p) for p in parts)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"not a port: {text}")
    return int(text)


def nft_rules(spec: Redirect) -> str:
    """One script that replaces the pod's redirect rules atomically.

    | connection                                           | goes to                       |
    |------------------------------------------------------|-------------------------------|
    | from outside, port excluded, or not included         | the app                       |
    | from outside, else                                   | `inbound_port`                |
    | from Envoy (mark) over lo to another own address     | `inbound_port`                |
    | from 127.0.0.6 over lo, or app to itself over lo     | where it wants to             |
    | from Envoy (mark)                                    | where it wants to             |
    | to 127.0.0.1, an excluded range or port              | where it wants to             |
    | to an included port or range                         | `outbound_port`               |

    Source: istio tools/istio-iptables/pkg/capture/run.go, Run and handleInboundPortsInclude.
    """
    lines = [
        "table ip hauberk_redirect",
        "delete table ip hauberk_redirect",
        "table ip hauberk_redirect {",
        "  chain inbound {",
        "    type nat hook prerouting priority dstnat; policy accept;",
        "    meta l4proto != tcp return",
        *_inbound(spec),
        "  }",
        "  chain outbound {",
        "    type nat hook output priority -100; policy accept;",
        "    meta l4proto != tcp return",
        *_excluded_ports(spec),
        f'    oifname "lo" ip saddr {_PASSTHROUGH_SOURCE} return',
        f'    oifname "lo" ip daddr != 127.0.0.1 meta mark {MARK} {_redirect(spec.inbound_port)}',
        f'    oifname "lo" meta mark != {MARK} return',
        f"    meta mark {MARK} return",
        "    ip daddr 127.0.0.1 return",
        *_outbound(spec),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _redirect(port: int) -> str:
    return f"meta l4proto tcp redirect to :{port}"


def _inbound(spec: Redirect) -> list[str]:
    to_envoy = _redirect(spec.inbound_port)
    left_out = _set((*_OWN_PORTS, *spec.inbound_exclude))
    if spec.inbound_include is None:
        return [f"    tcp dport {left_out} return", f"    {to_envoy}"]
    if not spec.inbound_include:
        return []
    return [f"    tcp dport {_set(spec.inbound_include)} {to_envoy}"]


def _excluded_ports(spec: Redirect) -> list[str]:
    if not spec.outbound_ports_exclude:
        return []
    return [f"    tcp dport {_set(spec.outbound_ports_exclude)} return"]


def _outbound(spec: Redirect) -> list[str]:
    to_envoy = _redirect(spec.outbound_port)
    rules = []
    if spec.outbound_cidrs_exclude:
        rules.append(f"    ip daddr {_set(_disjoint(spec.outbound_cidrs_exclude))} return")
    if spec.outbound_ports_include:
        rules.append(f"    tcp dport {_set(spec.outbound_ports_include)} {to_envoy}")
    if spec.outbound_cidrs is None:
        rules.append(f"    {to_envoy}")
    elif spec.outbound_cidrs:
        rules.append(f"    ip daddr {_set(_disjoint(spec.outbound_cidrs))} {to_envoy}")
    return rules


def _disjoint(ranges: Sequence[str]) -> list[IPv4Network]:
    """The same addresses without overlaps, which nft refuses in a set."""
    return list(collapse_addresses(IPv4Network(r, strict=False) for r in ranges))


def _set(values: Sequence[object]) -> str:
    return "{ " + ", ".join(str(v) for v in dict.fromkeys(values)) + " }"


assert {f.name for f in fields(Redirect)} >= set(_FIELDS.values()), "every flag has its field"
