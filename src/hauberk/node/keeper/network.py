"""The pod network: its bridge, its Services' address range, and one namespace per pod.

A pod has a /32 and reaches everything through 10.128.0.1, so the root namespace sees each packet in both
directions: that is what lets a Service's answer find its way back without hiding the client's address.
"""

from __future__ import annotations

import os
import socket

from hauberk.node.keeper import linux, netlink

BRIDGE = "hbk0"
GATEWAY = "10.128.0.1"
PODS, PODS_PREFIX = "10.128.0.0", 16
SERVICES, SERVICES_PREFIX = "172.30.0.0", 16
DNS = "172.30.0.10"
_FIRST, _LAST = 2, 65534

_ROOT_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/bridge/bridge-nf-call-iptables": "0",
}
_POD_SETTINGS = {
    "net/ipv4/ip_unprivileged_port_start": "0",  # containerd and CRI-O do so too
    "net/ipv4/ping_group_range": "0 0",
    "net/ipv6/conf/default/disable_ipv6": "1",  # eth0 has no IPv6; lo keeps ::1
}


def address(number: int) -> str:
    """The `number`th address of the pod network.

    >>> address(2)
    '10.128.0.2'
    """
    return f"10.128.{number >> 8}.{number & 255}"


class Sandbox:
    """A pod's namespace: an open descriptor keeps it, `path` names it for nsenter.

    `alias` is a link to the pod's directory, for a sandbox that had another name.
    """

    __slots__ = ("alias", "fd", "ip", "link", "path")

    def __init__(self, fd: int, ip: str, link: str, path: str) -> None:
        self.fd, self.ip, self.link, self.path, self.alias = fd, ip, link, path, ""


def hardware_address(ip: str) -> bytes:
    """The link's address that belongs to an IPv4 address: always the same one.

    Source: ovn-kubernetes go-controller/pkg/util/net.go, IPAddrToHWAddr.

    >>> hardware_address("10.128.0.1").hex(":")
    '0a:58:0a:80:00:01'
    """
    return b"\x0a\x58" + socket.inet_aton(ip)


class Network:
    """The root namespace's links, and the sandboxes by pod uid. Lives in the inside half."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.sandboxes: dict[str, Sandbox] = {}
        self._next = _FIRST
        self._used: set[str] = set()
        self._root_fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._netlink = netlink.open_socket()
        self._bridge = 0
        self._links = 0

    def up(self) -> None:
        """Bring up lo, the bridge and the DNS Service's address."""
        _settings(_ROOT_SETTINGS)
        netlink.apply(
            self._netlink, [netlink.link_up(1), netlink.new_bridge(BRIDGE, hardware_address(GATEWAY))]
        )
        self._bridge = socket.if_nametoindex(BRIDGE)
        _settings({f"net/ipv4/conf/{BRIDGE}/send_redirects": "0"})
        netlink.apply(
            self._netlink,
            [
                netlink.new_address(self._bridge, GATEWAY, PODS_PREFIX),
                netlink.new_address(self._bridge, DNS, 32),
                netlink.link_up(self._bridge),
                netlink.new_route(self._bridge, to=SERVICES, prefix=SERVICES_PREFIX),
            ],
        )

    def add(self, uid: str, wanted: str | None) -> Sandbox:
        """The pod's sandbox, created when it is not there. OSError when the kernel refuses."""
        if uid in self.sandboxes:
            return self.sandboxes[uid]
        ip = self._allocate(wanted)
        self._links += 1
        link = f"hbk{self._links:x}p"
        path = self._path(uid)
        try:
            fd = self._new_namespace(ip, link, path)
        except OSError:
            self._used.discard(ip)
            raise
        sandbox = self.sandboxes[uid] = Sandbox(fd, ip, link, path)
        return sandbox

    def rename(self, old: str, new: str) -> Sandbox:
        """Give a sandbox, with its folder, to another pod; the folder's old name leads to the new one.

        KeyError when there is no such sandbox or that pod has one; nothing has changed then. The folder of
        the pod may be there already, with its volumes.
        """
        if new in self.sandboxes:
            raise KeyError(f"{new} has a sandbox")
        sandbox = self.sandboxes[old]
        path = self._path(new)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        linux.write_file(path, "")
        linux.mount(f"/proc/self/fd/{sandbox.fd}", path, "", linux.MS_BIND)
        linux.umount(sandbox.path)
        os.unlink(sandbox.path)
        _move_files(os.path.dirname(sandbox.path), os.path.dirname(path))
        self.sandboxes[new] = self.sandboxes.pop(old)
        sandbox.path, sandbox.alias = path, os.path.dirname(sandbox.path)
        return sandbox

    def remove(self, uid: str) -> None:
        """Let go of the pod's namespace and address, once its processes are gone."""
        sandbox = self.sandboxes.pop(uid, None)
        if sandbox is None:
            return
        self._used.discard(sandbox.ip)
        # The kernel deletes the links of a namespace that nobody holds, in its own time. Deleting the link
        # here would stop the keeper for 20 to 80 ms.
        linux.umount(sandbox.path)
        os.close(sandbox.fd)
        os.unlink(sandbox.path)
        if sandbox.alias:
            os.unlink(sandbox.alias)

    def socket_in(self, fd: int, family: int) -> socket.socket:
        """A TCP socket that belongs to a namespace."""
        linux.setns(fd, linux.CLONE_NEWNET)
        try:
            return socket.socket(family, socket.SOCK_STREAM)
        finally:
            linux.setns(self._root_fd, linux.CLONE_NEWNET)

    def _path(self, uid: str) -> str:
        return f"{self.run}/pods/{uid}/netns"

    def _allocate(self, wanted: str | None) -> str:
        if wanted and wanted not in self._used:
            self._used.add(wanted)
            return wanted
        for _ in range(_LAST):
            ip = address(self._next)
            self._next = self._next + 1 if self._next < _LAST else _FIRST
            if ip not in self._used:
                self._used.add(ip)
                return ip
        raise OSError("the pod network has no free address")

    def _new_namespace(self, ip: str, link: str, path: str) -> int:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        linux.write_file(path, "")
        linux.unshare(linux.CLONE_NEWNET)
        try:
            fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            linux.mount("/proc/self/ns/net", path, "", linux.MS_BIND)
            pod = netlink.open_socket()
            _settings(_POD_SETTINGS)
        finally:
            linux.setns(self._root_fd, linux.CLONE_NEWNET)
        netlink.apply(self._netlink, [netlink.new_veth(link, self._bridge, "eth0", fd)])
        with pod:
            # in a fresh namespace lo is 1; the kernel numbers the next link, so ask for it by name
            linux.setns(fd, linux.CLONE_NEWNET)
            try:
                index = socket.if_nametoindex("eth0")
            finally:
                linux.setns(self._root_fd, linux.CLONE_NEWNET)
            netlink.apply(
                pod,
                [
                    netlink.link_up(1),
                    netlink.new_address(index, ip, 32),
                    netlink.link_up(index),
                    netlink.new_route(index, to=GATEWAY, prefix=32),
                    netlink.new_route(index, via=GATEWAY),
                ],
            )
        return fd


def _move_files(old: str, new: str) -> None:
    """Move what is in a folder to another one that its name leads to from now on.

    The name changes first, and is never nobody's: a socket that a beginning Envoy makes meanwhile is made in
    the new folder, or in the old one and moved with the rest.
    """
    aside = f"{old}~"
    os.symlink(os.path.basename(new), aside)
    linux.exchange(old, aside)
    while names := os.listdir(aside):
        for name in names:
            os.rename(f"{aside}/{name}", f"{new}/{name}")
    os.rmdir(aside)


def _settings(values: dict[str, str]) -> None:
    for name, value in values.items():
        try:
            linux.write_file(f"/proc/sys/{name}", value)
        except FileNotFoundError:
            continue  # no IPv6 or no br_netfilter: nothing to switch off
        except PermissionError as error:
            log_once(f"cannot set {name}", error)


_said: set[str] = set()


def log_once(what: str, error: object) -> None:
    """Write a line to the keeper's log, the same one only once."""
    line = f"{what}: {error}"
    if line not in _said:
        _said.add(line)
        os.write(2, f"keeper: {line}\n".encode())
