"""What each probe concludes from what came back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hauberk.integration.verify.model import Verdict

CUT = {
    35: "the TLS handshake failed",
    52: "the connection was closed without an answer",
    56: "the connection was reset",
}
NEVER_MET = {6: "the name is not known", 7: "nothing accepts the connection", 28: "no answer in time"}
_LINE = re.compile(r"^probe=(\S+) exit=(\d+) (.*)$")
_STATUS = re.compile(r"status=(\d{3})\s*$")
MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What curl in a pod said: its exit code, the answer's status (0: none), its words."""

    code: int
    status: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request from this machine came to; `problem` instead of a status when there was no answer."""

    status: int = 0
    problem: str = ""
    certificate: bool = False  # the problem is that the certificate was not accepted


@dataclass(frozen=True, slots=True)
class Counted:
    """What a load came to."""

    answered: int
    lost: tuple[str, ...] = ()


def heard_in(log: str) -> Mapping[str, Heard]:
    """What a client pod's log says, by the probe's id."""
    found = {}
    for line in log.splitlines():
        if match := _LINE.match(line.strip()):
            status = _STATUS.search(match[3])
            words = _STATUS.sub("", match[3]).strip()
            found[match[1]] = Heard(int(match[2]), int(status[1]) if status else 0, words)
    return found


def judge_status(heard: Heard | None, wanted: int) -> Verdict:
    """An answer with this status."""
    if heard is None:
        return Verdict("fail", "the client pod said nothing")
    if heard.code:
        return Verdict("fail", f"curl {heard.code}: {_why(heard)}")
    return Verdict("pass" if heard.status == wanted else "fail", str(heard.status))


def judge_refused(heard: Heard | None) -> Verdict:
    """Accepted and then cut: a connection that nobody took proves nothing, so it fails."""
    if heard is None:
        return Verdict("fail", "the client pod said nothing")
    if heard.code in CUT:
        return Verdict("pass", f"curl {heard.code}: {CUT[heard.code]}")
    if heard.code:
        told = f"curl {heard.code}: {_why(heard)}"
        return Verdict("fail", f"{told}, which proves nothing: nobody was there to refuse")
    return Verdict("fail", f"answered with {heard.status}")


def judge_outside(heard: Heard | None, *, local_mtls: bool) -> Verdict:
    """A client without a sidecar at the local gateway.

    | local gateway | wanted                                          |
    |---------------|-------------------------------------------------|
    | mTLS          | refused                                         |
    | plain HTTP    | nothing: `skip`, with what it answered          |
    """
    if local_mtls:
        return judge_refused(heard)
    seen = judge_status(heard, 200).seen
    return Verdict("skip", f"the local gateway takes plain HTTP (gateways.localMtls is off): {seen}")


def judge_external(answer: Answer) -> Verdict:
    """200 over a connection whose certificate the CA vouches for."""
    return Verdict("pass" if answer.status == 200 else "fail", answer.problem or str(answer.status))


def judge_other_ca(answer: Answer) -> Verdict:
    """The certificate is refused; any other failure proves nothing."""
    if answer.certificate:
        return Verdict("pass", answer.problem)
    if answer.problem:
        return Verdict("fail", f"{answer.problem}, which proves nothing: no certificate was seen")
    return Verdict("fail", f"accepted, and answered with {answer.status}")


def judge_load(counted: Counted, happened: str) -> Verdict:
    """Every request answered with 200, and the thing that was to happen did."""
    total = counted.answered + len(counted.lost)
    seen = f"{len(counted.lost)} of {total} requests lost; {happened}"
    if counted.lost:
        kinds = list(dict.fromkeys(counted.lost))
        seen += f" ({'; '.join(kinds[:MOST_SHOWN])}{'; …' if len(kinds) > MOST_SHOWN else ''})"
    return Verdict("pass" if counted.answered and not counted.lost else "fail", seen)


def judge_unbuilt(warnings: Sequence[str]) -> str:
    """What the API itself says about a kind on which nothing acts; empty when it says nothing."""
    return next((w for w in warnings if "does not act" in w), "")


def _why(heard: Heard) -> str:
    return heard.words or {**CUT, **NEVER_MET}.get(heard.code, "no reason given")
