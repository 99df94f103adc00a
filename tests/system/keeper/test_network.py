"""The pod network of a real keeper: packets between pods, redirects, Services, names."""

from __future__ import annotations

import pytest
from keeper_fixture import SYSTEM_PYTHON, Cluster, eventually

from hauberk.node.dns.table import DnsTable
from hauberk.node.proxyrules import ServicePort, service_rules
from hauberk.node.redirect import parse_istio_iptables

pytestmark = pytest.mark.system

# answers each connection with its own port, the client's address and where the client wanted to go
LISTEN = """
import socket, struct, sys, threading
def serve(port):
    door = socket.create_server(("0.0.0.0", port))
    while True:
        sock, peer = door.accept()
        try:
            raw = sock.getsockopt(socket.SOL_IP, 80, 16)
            wanted = "%s:%d" % (socket.inet_ntoa(raw[4:8]), struct.unpack("!H", raw[2:4])[0])
        except OSError:
            wanted = "-"
        sock.sendall(("%d %s %s" % (port, peer[0], wanted)).encode())
        sock.close()
for port in map(int, "PORTS".split(",")):
    threading.Thread(target=serve, args=(port,)).start()
print("listening", flush=True)
"""
DIAL = """
import socket, sys
sock = socket.socket()
sock.settimeout(3)
if sys.argv[3:]: sock.setsockopt(socket.SOL_SOCKET, 36, int(sys.argv[3]))
try:
    sock.connect((sys.argv[1], int(sys.argv[2])))
    print(sock.recv(100).decode())
except OSError as error:
    print(type(error).__name__)
"""


async def listen(cluster: Cluster, uid: str, *ports: int, name: str = "app") -> str:
    ip = cluster.ips.get(uid) or await cluster.pod(uid)
    await cluster.python(uid, LISTEN.replace("PORTS", ",".join(map(str, ports))), name)
    await eventually(lambda: "listening" in cluster.log(uid, name))
    return ip


async def dial(cluster: Cluster, uid: str, ip: str, port: int, mark: int | None = None) -> str:
    """As the app of a pod, or with a mark as its proxy would."""
    argv = [SYSTEM_PYTHON, "-S", "-c", DIAL, ip, str(port)]
    if mark is None:
        return (await cluster.ask(uid, *argv)).strip()
    return cluster.keeper.run_in(uid, *argv, str(mark)).stdout.strip()


async def test_pods_reach_each_other_and_see_who_calls(cluster: Cluster) -> None:
    a, b = await listen(cluster, "a", 80), await listen(cluster, "b", 8080)
    assert (a, b) == ("10.128.0.2", "10.128.0.3")
    assert await dial(cluster, "a", b, 8080) == f"8080 {a} -"
    assert await dial(cluster, "b", a, 80) == f"80 {b} -"
    assert await dial(cluster, "a", b, 81) == "ConnectionRefusedError"


async def test_the_node_reaches_pods(cluster: Cluster) -> None:
    a = await listen(cluster, "a", 80)
    done = cluster.keeper.run_in(None, SYSTEM_PYTHON, "-S", "-c", DIAL, a, "80")
    assert done.stdout.strip() == "80 10.128.0.1 -"


async def test_a_redirect_captures_both_ways_and_spares_the_proxy(cluster: Cluster) -> None:
    a, b = await listen(cluster, "a", 80, 15001, 15006, 15021), await listen(cluster, "b", 80, 8443)
    args = [
        "-p",
        "15001",
        "-z",
        "15006",
        "-u",
        "1337",
        "-m",
        "REDIRECT",
        "-i",
        "*",
        "-b",
        "*",
        "-d",
        "15090,15021,15020",
        "-o",
        "8443",
    ]
    await cluster.runtime.redirect("a", parse_istio_iptables(args))
    assert await dial(cluster, "b", a, 80) == f"15006 {b} {a}:80"
    assert await dial(cluster, "b", a, 15021) == f"15021 {b} {a}:15021"
    assert await dial(cluster, "a", b, 80) == f"15001 {a} {b}:80"
    assert await dial(cluster, "a", b, 8443) == f"8443 {a} -"
    assert await dial(cluster, "a", b, 80, mark=1337) == f"80 {a} -"
    assert (await dial(cluster, "a", "127.0.0.1", 80)).startswith("80 127.0.0.1")
    assert (await dial(cluster, "a", "127.0.0.1", 80, mark=1337)).startswith("80 127.0.0.1")
    assert (await dial(cluster, "a", a, 80)).startswith(f"80 {a}")
    assert (await dial(cluster, "a", a, 80, mark=1337)).startswith("15006 ")


async def test_a_container_cannot_mark_its_way_past_the_proxy(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "sleep 100")
    script = "import socket; socket.socket().setsockopt(socket.SOL_SOCKET, 36, 1337)"
    done = await cluster.runtime.exec("a", "app", [SYSTEM_PYTHON, "-S", "-c", script])
    assert b"PermissionError" in done.output


async def test_services_reach_endpoints_and_keep_the_callers_address(cluster: Cluster) -> None:
    a, b = await listen(cluster, "a", 8080), await listen(cluster, "b", 8080)
    await cluster.pod("c")
    await cluster.shell("c", "sleep 100")
    both = ServicePort("s", "172.30.0.50", "tcp", 80, ((a, 8080), (b, 8080)))
    none = ServicePort("n", "172.30.0.51", "tcp", 80)
    await cluster.runtime.set_services(service_rules([both, none]))
    answers = [await dial(cluster, "c", "172.30.0.50", 80) for _ in range(12)]
    assert {x.split()[:2] == ["8080", cluster.ips["c"]] for x in answers} == {True}
    assert await dial(cluster, "c", "172.30.0.51", 80) == "ConnectionRefusedError"
    assert (await dial(cluster, "a", "172.30.0.50", 80)).startswith("8080 ")
    only_a = ServicePort("s", "172.30.0.50", "tcp", 80, ((a, 8080),))
    await cluster.runtime.set_services(service_rules([only_a]))
    assert (await dial(cluster, "a", "172.30.0.50", 80)).startswith("8080 10.128.0.1")  # to itself


async def test_rules_that_nft_refuses_are_reported_and_change_nothing(cluster: Cluster) -> None:
    with pytest.raises(Exception, match="syntax error"):
        await cluster.runtime.set_services("table ip {{{")


async def test_names_are_answered_also_over_tcp_and_after_the_control_plane_left(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "sleep 100", namespace="shop")
    many = tuple(f"10.128.1.{n}" for n in range(200))
    alias = {"ext.shop.svc.cluster.local": "web.shop.svc.cluster.local"}
    table = DnsTable(
        a={"web.shop.svc.cluster.local": ("172.30.0.60",), "big.shop.svc.cluster.local": many}, cname=alias
    )
    await cluster.runtime.set_dns(table)
    assert "172.30.0.60" in await cluster.ask("a", "getent", "hosts", "web")
    assert "172.30.0.60" in await cluster.ask("a", "getent", "ahostsv4", "ext.shop")
    assert (await cluster.runtime.exec("a", "app", ["getent", "hosts", "nosuch"])).code == 2
    script = "import socket; print(len(socket.gethostbyname_ex('big.shop.svc.cluster.local')[2]))"
    assert await cluster.ask("a", SYSTEM_PYTHON, "-S", "-c", script) == "200\n"
    await cluster.runtime.close()
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\3web\4shop\3svc\7cluster\5local\0\0\1\0\1"
    ask = (
        "import socket; s=socket.socket(2,2); s.settimeout(3); "
        f"s.sendto({query!r}, ('172.30.0.10', 53)); print(socket.inet_ntoa(s.recv(512)[-4:]))"
    )
    assert cluster.keeper.run_in("a", SYSTEM_PYTHON, "-S", "-c", ask).stdout == "172.30.0.60\n"


async def test_an_address_is_taken_again_when_it_is_free(cluster: Cluster) -> None:
    assert await cluster.runtime.sandbox("a", ip="10.128.3.7") == "10.128.3.7"
    assert await cluster.runtime.sandbox("a") == "10.128.3.7"
    assert await cluster.runtime.sandbox("b", ip="10.128.3.7") != "10.128.3.7"


async def test_the_node_keeps_its_hardware_address_while_pods_come_and_go(cluster: Cluster) -> None:
    """Or every other pod would lose its way to the node, and with it DNS, until its neighbour entry ends."""

    def hardware() -> str:
        shown = cluster.keeper.run_in(None, "ip", "-o", "link", "show", "hbk0").stdout
        return shown.partition("link/ether ")[2].split()[0]

    before = hardware()
    for number in range(8):
        await cluster.pod(f"passing-{number}")
    for number in range(8):
        await cluster.runtime.remove_sandbox(f"passing-{number}")
        assert hardware() == before
    assert before == "0a:58:0a:80:00:01"
