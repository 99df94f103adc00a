"""What each probe concludes: refusals must be refusals, silence proves nothing."""

from __future__ import annotations

import pytest

from hauberk.integration.verify.judges import (
    Answer,
    Counted,
    Heard,
    heard_in,
    judge_external,
    judge_load,
    judge_other_ca,
    judge_outside,
    judge_refused,
    judge_status,
    judge_unbuilt,
)


def test_a_clients_log_is_read_by_probe_and_other_lines_are_passed_over() -> None:
    rows = (
        "starting",
        "probe=inside exit=0  status=200 ",
        "probe=plain exit=56 curl: (56) reset  status=000 ",
    )
    log = "\n".join([*rows, "probe=end", ""])
    assert heard_in(log) == {"inside": Heard(0, 200), "plain": Heard(56, 0, "curl: (56) reset")}


def test_the_words_of_several_tries_stay_and_the_last_status_counts() -> None:
    log = "probe=inside exit=0 Warning: Problem: HTTP error. Will retry in 1 second.  status=200 "
    assert heard_in(log)["inside"].status == 200


@pytest.mark.parametrize(
    ("heard", "wanted", "outcome"),
    [
        (Heard(0, 200), 200, "pass"),
        (Heard(0, 403), 403, "pass"),
        (Heard(0, 503), 200, "fail"),
        (Heard(7, 0, "no route"), 200, "fail"),
        (None, 200, "fail"),
    ],
)
def test_status(heard: Heard | None, wanted: int, outcome: str) -> None:
    assert judge_status(heard, wanted).outcome == outcome


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        (Heard(52, 0), "pass"),
        (Heard(56, 0), "pass"),
        (Heard(35, 0), "pass"),
        (Heard(7, 0), "fail"),  # nobody was there
        (Heard(28, 0), "fail"),
        (Heard(6, 0), "fail"),
        (Heard(0, 200), "fail"),
        (Heard(0, 503), "fail"),
        (None, "fail"),
    ],
)
def test_only_a_connection_that_was_taken_and_then_cut_is_a_refusal(
    heard: Heard | None, outcome: str
) -> None:
    assert judge_refused(heard).outcome == outcome


def test_a_local_gateway_of_plain_http_has_nothing_to_refuse_and_says_so() -> None:
    assert judge_outside(Heard(0, 200), local_mtls=True).outcome == "fail"
    told = judge_outside(Heard(0, 200), local_mtls=False)
    assert (told.outcome, "plain HTTP" in told.seen) == ("skip", True)


def test_another_ca_must_be_the_reason_of_the_refusal() -> None:
    assert judge_other_ca(Answer(problem="certificate refused", certificate=True)).outcome == "pass"
    assert judge_other_ca(Answer(problem="ConnectError: refused")).outcome == "fail"
    assert judge_other_ca(Answer(status=200)).outcome == "fail"
    assert judge_external(Answer(status=200)).outcome == "pass"
    assert judge_external(Answer(status=404)).seen == "404"


def test_one_lost_request_is_too_many_and_no_request_proves_nothing() -> None:
    assert judge_load(Counted(99), "one pod left").outcome == "pass"
    lost = judge_load(Counted(99, ("status 502", "status 502")), "one pod left")
    assert (lost.outcome, lost.seen) == ("fail", "2 of 101 requests lost; one pod left (status 502)")
    assert judge_load(Counted(0), "one pod left").outcome == "fail"


def test_what_the_api_calls_stored_only_is_not_built() -> None:
    said = "Broker 'x' is stored; eventing does not act on the embedded cluster yet"
    assert judge_unbuilt(["deprecated", said]) == said
    assert judge_unbuilt(["deprecated"]) == ""
