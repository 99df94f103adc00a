"""Queries are read, or refused in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.apiserver.http import HttpRequest
from hauberk.apiserver.options import list_options
from hauberk.apiserver.target import Target
from hauberk.apiserver.write_options import APPLY, call_of, deletion_of
from hauberk.base.apierrors import ApiError
from hauberk.kinds import BY_ID


async def nothing() -> Any:
    raise AssertionError("the body is not read")


def request(method: str = "GET", media: str = "", **query: str) -> HttpRequest:
    headers = {"content-type": media, "user-agent": "robot/1.0 (linux)"}
    return HttpRequest(method, "/", query, headers, nothing)


FORBIDDEN = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden"


@pytest.mark.parametrize(
    ("watch", "query", "says"),
    [
        (False, {"resourceVersionMatch": "Exact"}, f"{FORBIDDEN} unless resourceVersion is provided"),
        (
            False,
            {"resourceVersionMatch": "Exact", "resourceVersion": "1", "continue": "x"},
            f"{FORBIDDEN} when continue is provided",
        ),
        (
            False,
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            False,
            {"resourceVersionMatch": "Some", "resourceVersion": "1"},
            'Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""',
        ),
        (False, {"sendInitialEvents": "true"}, "sendInitialEvents is forbidden for list"),
        (False, {"continue": "x", "resourceVersion": "4"}, "specifying resource version is not allowed"),
        (False, {"resourceVersion": "four"}, 'parsing "four": invalid syntax'),
        (False, {"limit": "many"}, "invalid syntax"),
        (True, {"sendInitialEvents": "true"}, "requires setting resourceVersionMatch to NotOlderThan"),
        (True, {"resourceVersionMatch": "NotOlderThan"}, "for watch unless sendInitialEvents is provided"),
    ],
)
def test_a_list_or_watch_that_makes_no_sense_is_refused(watch: bool, query: dict, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        list_options(request(**query), watch=watch)
    assert says in refused.value.message
    assert refused.value.code in (400, 422)


@pytest.mark.parametrize(
    ("method", "media", "query", "says"),
    [
        (
            "POST",
            "",
            {"dryRun": "Some"},
            'dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
        ),
        (
            "PUT",
            "",
            {"fieldValidation": "Hard"},
            'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Hard": '
            'supported values: "", "Ignore", "Strict", "Warn"',
        ),
        ("POST", "", {"fieldManager": "x" * 129}, "fieldManager: Too long: may not be more than 128 bytes"),
        ("POST", "", {"fieldManager": "a\nb"}, "should only contain printable characters"),
        ("PATCH", APPLY, {}, "fieldManager: Required value: is required for apply patch"),
        (
            "PATCH",
            "application/json",
            {"force": "true"},
            "force: Forbidden: may not be specified for non-apply",
        ),
    ],
)
def test_a_write_whose_options_make_no_sense_is_refused(
    method: str, media: str, query: dict, says: str
) -> None:
    with pytest.raises(ApiError) as refused:
        call_of(request(method, media, **query), Target(BY_ID["ConfigMap"], "v1"))
    assert says in refused.value.message
    assert refused.value.code == 422


def test_the_manager_of_a_write_is_named_by_the_query_or_by_the_client() -> None:
    target = Target(BY_ID["ConfigMap"], "v1")
    assert call_of(request("POST"), target).manager == "robot"
    assert call_of(request("POST", fieldManager="alice"), target).manager == "alice"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"propagationPolicy": "Now"}, '"Foreground", "Background", "Orphan", "nil"'),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, "cannot be both set"),
        ({"dryRun": ["Some"]}, "dryRun: Unsupported value"),
        ({"gracePeriodSeconds": "long"}, "gracePeriodSeconds of type int64"),
        ([], "must be an object"),
    ],
)
def test_a_deletion_that_makes_no_sense_is_refused(options: Any, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        deletion_of(options, request("DELETE"))
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("options", "query", "policy"),
    [
        ({}, {}, None),
        ({"orphanDependents": True}, {}, "Orphan"),
        ({"orphanDependents": False}, {}, "Background"),
        ({}, {"propagationPolicy": "Foreground"}, "Foreground"),
    ],
)
def test_what_becomes_of_dependents_is_said_in_the_body_or_the_query(
    options: dict, query: dict, policy: Any
) -> None:
    assert deletion_of(options, request("DELETE", **query))[0].propagation == policy
