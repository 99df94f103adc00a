from __future__ import annotations

import pytest

from hauberk.node.redirect import Redirect, nft_rules, parse_istio_iptables

WORDS = "istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i * -x NONE -b * -d 15090,15021,15020 -o 9092"
UPSTREAM = ["" if word == "NONE" else word for word in WORDS.split()]


def test_what_injection_writes_is_understood() -> None:
    assert parse_istio_iptables(UPSTREAM) == Redirect(
        inbound_exclude=(15090, 15021, 15020), outbound_ports_exclude=(9092,)
    )


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ([], Redirect()),
        (["-p", "1", "-z", "2"], Redirect(outbound_port=1, inbound_port=2)),
        (["--envoy-port=1"], Redirect(outbound_port=1)),
        (["-b", "80,443"], Redirect(inbound_include=(80, 443))),
        (["-b", ""], Redirect(inbound_include=())),
        (["-i", "10.0.0.0/8,1.2.3.4"], Redirect(outbound_cidrs=("10.0.0.0/8", "1.2.3.4/32"))),
        (["-i", ""], Redirect(outbound_cidrs=())),
        (["-x", "10.0.0.0/8"], Redirect(outbound_cidrs_exclude=("10.0.0.0/8",))),
        (["-q", "80"], Redirect(outbound_ports_include=(80,))),
        (["--log_output_level=default:info"], Redirect()),
        (["--redirect-dns", "-c", "net1"], Redirect(inert=("--redirect-dns", "-c"))),
        (["-c", ""], Redirect()),
        (["--redirect-dns=false"], Redirect()),
    ],
)
def test_flags(args: list[str], wanted: Redirect) -> None:
    assert parse_istio_iptables(args) == wanted


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-m", "TPROXY"], "interception mode is not supported: TPROXY"),
        (["-d", "15090,http"], "not a port: http"),
        (["-p", "70000"], "not a port: 70000"),
        (["-x", "nonsense"], "nonsense"),
        (["--nonsense"], "unknown flag: --nonsense"),
        (["-p"], "flag needs an argument: -p"),
    ],
)
def test_broken_flags_are_named(args: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_istio_iptables(args)


def lines(spec: Redirect) -> list[str]:
    return [line.strip() for line in nft_rules(spec).splitlines()]


def test_the_whole_table_is_replaced_in_one_script() -> None:
    first = lines(Redirect())[:3]
    assert first == [
        "table ip hauberk_redirect",
        "delete table ip hauberk_redirect",
        "table ip hauberk_redirect {",
    ]


def test_exclusions_come_before_the_redirects() -> None:
    rules = lines(parse_istio_iptables([*UPSTREAM, "-x", "10.1.0.0/16,10.1.2.0/24"]))
    inbound, outbound = rules.index("chain inbound {"), rules.index("chain outbound {")
    assert rules[inbound + 3 : outbound - 1] == [
        "tcp dport { 15008, 15090, 15021, 15020 } return",
        "meta l4proto tcp redirect to :15006",
    ]
    assert rules[outbound + 3 : -2] == [
        "tcp dport { 9092 } return",
        'oifname "lo" ip saddr 127.0.0.6 return',
        'oifname "lo" ip daddr != 127.0.0.1 meta mark 1337 meta l4proto tcp redirect to :15006',
        'oifname "lo" meta mark != 1337 return',
        "meta mark 1337 return",
        "ip daddr 127.0.0.1 return",
        "ip daddr { 10.1.0.0/16 } return",
        "meta l4proto tcp redirect to :15001",
    ]


def test_without_included_ports_nothing_comes_in_through_the_proxy() -> None:
    assert not [rule for rule in lines(Redirect(inbound_include=())) if rule.endswith("redirect to :15006")][
        1:
    ]


def test_only_included_ranges_go_out_through_the_proxy() -> None:
    rules = lines(Redirect(outbound_cidrs=("10.0.0.0/8",), outbound_ports_include=(443,)))
    assert rules[-4:-2] == [
        "tcp dport { 443 } meta l4proto tcp redirect to :15001",
        "ip daddr { 10.0.0.0/8 } meta l4proto tcp redirect to :15001",
    ]
