"""Listens to every packet on the pod network and counts words in them.

Run inside the pod network: `python capture.py WORD…`. Prints `ready`, listens until its
standard input closes, then prints one JSON line
`{"packets": n, "bytes": n, "tls_records": n, "hits": {word: n}}`. It stands alone (standard
library only), because it runs in another namespace with nothing but an interpreter.
"""

from __future__ import annotations

import json
import select
import socket
import sys

ETH_P_ALL = 3
TLS_APPLICATION_DATA = b"\x17\x03\x03"
LONGEST = 65535
MOST_SECONDS = 120


def tally(packets: list[bytes], words: list[str]) -> dict[str, object]:
    """Count packets that contain each word, and those with TLS application data."""
    return {
        "packets": len(packets),
        "bytes": sum(map(len, packets)),
        "tls_records": sum(TLS_APPLICATION_DATA in p for p in packets),
        "hits": {word: sum(word.encode() in p for p in packets) for word in words},
    }


def main(words: list[str]) -> None:
    """Listen until stdin closes."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        print("ready", flush=True)
        packets: list[bytes] = []
        while True:
            readable, _, _ = select.select([wire, sys.stdin], [], [], MOST_SECONDS)
            if wire in readable:
                packets.append(wire.recv(LONGEST))
            elif sys.stdin in readable or not readable:
                break
    print(json.dumps(tally(packets, words)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
