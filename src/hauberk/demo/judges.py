"""What each proof concludes from what a real program said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.demo.shell import Ran

ANSWER = "Hello Openshift!"
CUT_WITHOUT_ANSWER = {52: "the connection was closed without an answer", 56: "the connection was reset"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a proof holds, and what was seen."""

    holds: bool
    seen: str


def judge_answer(ran: Ran) -> Verdict:
    """The document's answer, over a connection whose certificate curl verified."""
    said = ran.out.strip()
    return Verdict(ran.ok and said == ANSWER, said if ran.ok else f"curl {ran.code}: {ran.err.strip()}")


def judge_plaintext_refused(ran: Ran) -> Verdict:
    """The port accepts the connection and then refuses to speak.

    A connection that was never accepted (7) or timed out (28) proves nothing, so it fails.
    """
    if ran.code in CUT_WITHOUT_ANSWER:
        return Verdict(True, CUT_WITHOUT_ANSWER[ran.code])
    return Verdict(False, f"curl {ran.code}: {(ran.out or ran.err).strip()}")


def judge_no_client_certificate(ran: Ran) -> Verdict:
    """TLS is spoken (the server showed its certificate), and ends in an alert for want of the client's."""
    said = f"{ran.out}\n{ran.err}"
    spoken = "BEGIN CERTIFICATE" in said
    alert = next((line for line in said.splitlines() if "alert certificate required" in line), "")
    seen = alert.partition("ssl3_read_bytes:")[2].partition(":")[0] or alert
    return Verdict(spoken and bool(alert), seen or f"openssl {ran.code}: {ran.err.strip()[-200:]}")


def judge_capture(counted: Mapping[str, Any], *, secret: str, control: str) -> Verdict:
    """The wire carried the request, encrypted: TLS records, no secret word.

    `control` was sent in plaintext on purpose during the same capture; it must be seen, or
    the listener was deaf and proves nothing.
    """
    hits = counted["hits"]
    seen = (
        f"{counted['packets']} packets, {counted['tls_records']} with TLS data; "
        f"the request's words {hits[secret] + hits[ANSWER]} times, "
        f"the plaintext control {hits[control]} times"
    )
    silent = hits[secret] == 0 and hits[ANSWER] == 0
    return Verdict(silent and hits[control] > 0 and counted["tls_records"] > 0, seen)


def judge_pod_said(phase: str, logs: str, *, want: str) -> Verdict:
    """A client pod's own words, as `kubectl logs` shows them."""
    said = " ".join(logs.split())
    return Verdict(want in said, said or f"no output; phase {phase}")
