from __future__ import annotations

import pytest

from hauberk.demo.capture import tally
from hauberk.demo.judges import (
    judge_answer,
    judge_capture,
    judge_no_client_certificate,
    judge_plaintext_refused,
    judge_pod_said,
)
from hauberk.demo.shell import Ran


def curl(code: int = 0, out: str = "", err: str = "") -> Ran:
    return Ran(("curl",), code, out, err)


@pytest.mark.parametrize(
    ("situation", "ran", "holds"),
    [
        ("the document's answer", curl(out="Hello Openshift!\n"), True),
        ("another answer", curl(out="Hello World!\n"), False),
        ("the answer, but curl failed", curl(60, "Hello Openshift!", "certificate problem"), False),
    ],
)
def test_only_the_verified_answer_of_the_document_counts(situation: str, ran: Ran, holds: bool) -> None:
    assert judge_answer(ran).holds is holds, situation


@pytest.mark.parametrize(
    ("situation", "code", "holds"),
    [
        ("closed without an answer", 52, True),
        ("reset", 56, True),
        ("nobody listens, which proves nothing", 7, False),
        ("no reply in time, which proves nothing", 28, False),
        ("it answered", 0, False),
    ],
)
def test_plaintext_must_be_accepted_and_then_cut(situation: str, code: int, holds: bool) -> None:
    assert judge_plaintext_refused(curl(code)).holds is holds, situation


SHOWN = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("situation", "ran", "holds"),
    [
        (
            "the alert",
            curl(1, SHOWN, "error:0A00045C:SSL:ssl3_read_bytes:tlsv13 alert certificate required:x"),
            True,
        ),
        ("another alert", curl(1, SHOWN, "sslv3 alert handshake failure"), False),
        ("it went on", curl(0, f"{SHOWN} HTTP/1.1 400"), False),
        ("no TLS at all", curl(1, "", "connect:errno=111"), False),
    ],
)
def test_a_missing_client_certificate_must_be_the_reason(situation: str, ran: Ran, holds: bool) -> None:
    assert judge_no_client_certificate(ran).holds is holds, situation


TLS = b"....\x17\x03\x03\x00\x10ciphertext"


@pytest.mark.parametrize(
    ("situation", "packets", "holds"),
    [
        ("encrypted, and the control was heard", [TLS, b"x-control: CONTROL"], True),
        ("the request's word is on the wire", [TLS, b"x-secret: SECRET", b"CONTROL"], False),
        ("the answer is on the wire", [TLS, b"Hello Openshift!", b"CONTROL"], False),
        ("the listener is deaf", [TLS], False),
        ("nothing encrypted went by", [b"CONTROL"], False),
    ],
)
def test_a_capture_proves_only_what_a_hearing_listener_did_not_hear(
    situation: str, packets: list[bytes], holds: bool
) -> None:
    counted = tally(packets, ["SECRET", "CONTROL", "Hello Openshift!"])
    assert judge_capture(counted, secret="SECRET", control="CONTROL").holds is holds, situation


def test_a_client_pods_words_are_compared_with_white_space_folded() -> None:
    assert judge_pod_said("Running", "Hello Openshift!\ncode=0\n", want="Hello Openshift! code=0").holds
    assert not judge_pod_said("Pending", "", want="code=").holds
