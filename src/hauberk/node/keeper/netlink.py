"""Just enough rtnetlink to build a pod network: links, addresses, routes. Plain bytes, no library.

A pod's sandbox is two sends here, where a library would cost the keeper tens of megabytes and `ip -batch` a
process.
Source: linux include/uapi/linux/rtnetlink.h, if_link.h, veth.h.
"""

from __future__ import annotations

import os
import socket
import struct

_NLMSG_ERROR = 2
_RTM_NEWLINK, _RTM_NEWADDR, _RTM_NEWROUTE = 16, 20, 24
_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_IFF_UP = 0x1
_IFLA_ADDRESS = 1
_IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 3, 10, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RT_TABLE_MAIN, _RTPROT_BOOT, _SCOPE_UNIVERSE, _SCOPE_LINK, _RTN_UNICAST = 254, 3, 0, 253, 1
_HEADER = struct.Struct("=IHHII")


def _attr(kind: int, value: bytes) -> bytes:
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + b"\0" * (-size % 4)


def _name(text: str) -> bytes:
    return _attr(_IFLA_IFNAME, text.encode() + b"\0")


def _link_header(index: int = 0, *, up: bool = False) -> bytes:
    flags = _IFF_UP if up else 0
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def new_bridge(name: str, hardware_address: bytes) -> tuple[int, int, bytes]:
    """A bridge, down.

    It has an address of its own for good. Left to itself it takes the lowest one of its ports, so it would
    change as pods come and go, and every other pod would talk to the old one until its neighbour entry ends.
    """
    info = _attr(_IFLA_LINKINFO, _attr(_IFLA_INFO_KIND, b"bridge"))
    own = _attr(_IFLA_ADDRESS, hardware_address)
    return _RTM_NEWLINK, _CREATE | _EXCL, _link_header() + _name(name) + own + info


def new_veth(name: str, master: int, peer: str, peer_netns: int) -> tuple[int, int, bytes]:
    """A veth pair: one end up and on the bridge `master`, the other in the namespace behind a descriptor."""
    other = _link_header() + _name(peer) + _attr(_IFLA_NET_NS_FD, struct.pack("=I", peer_netns))
    data = _attr(_IFLA_INFO_DATA, _attr(_VETH_INFO_PEER, other))
    info = _attr(_IFLA_LINKINFO, _attr(_IFLA_INFO_KIND, b"veth") + data)
    on = _attr(_IFLA_MASTER, struct.pack("=I", master))
    return _RTM_NEWLINK, _CREATE | _EXCL, _link_header(up=True) + _name(name) + on + info


def link_up(index: int) -> tuple[int, int, bytes]:
    """Bring a link up."""
    return _RTM_NEWLINK, 0, _link_header(index, up=True)


def new_address(index: int, address: str, prefix: int) -> tuple[int, int, bytes]:
    """An IPv4 address on a link."""
    raw = socket.inet_aton(address)
    head = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, _SCOPE_UNIVERSE, index)
    return _RTM_NEWADDR, _CREATE | _EXCL, head + _attr(_IFA_LOCAL, raw) + _attr(_IFA_ADDRESS, raw)


def new_route(index: int, *, to: str = "", prefix: int = 0, via: str = "") -> tuple[int, int, bytes]:
    """An IPv4 route through a link: to a network (default: everywhere), directly or via a gateway."""
    scope = _SCOPE_UNIVERSE if via else _SCOPE_LINK
    head = struct.pack(
        "=BBBBBBBBI",
        socket.AF_INET,
        prefix,
        0,
        0,
        _RT_TABLE_MAIN,
        _RTPROT_BOOT,
        scope,
        _RTN_UNICAST,
        0,
    )
    body = _attr(_RTA_OIF, struct.pack("=I", index))
    body += _attr(_RTA_DST, socket.inet_aton(to)) if to else b""
    body += _attr(_RTA_GATEWAY, socket.inet_aton(via)) if via else b""
    return _RTM_NEWROUTE, _CREATE | _EXCL, head + body


def apply(sock: socket.socket, messages: list[tuple[int, int, bytes]]) -> None:
    """Send requests in one go and wait for every acknowledgement; the first refusal is raised as OSError."""
    batch = b""
    for number, (kind, flags, body) in enumerate(messages):
        size = _HEADER.size + len(body)
        batch += _HEADER.pack(size, kind, _REQUEST | _ACK | flags, number, 0) + body + b"\0" * (-size % 4)
    sock.send(batch)
    left, failed = len(messages), 0
    while left:
        data = sock.recv(65536)
        while data:
            size, kind, _, _, _ = _HEADER.unpack_from(data)
            if kind == _NLMSG_ERROR:
                left -= 1
                failed = failed or -struct.unpack_from("=i", data, _HEADER.size)[0]
            data = data[(size + 3) & ~3 :]
    if failed:
        raise OSError(failed, f"netlink: {os.strerror(failed)}")


def open_socket() -> socket.socket:
    """An rtnetlink socket of the namespace that the caller is in; it stays there."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    sock.bind((0, 0))
    return sock
