"""Spoilt definitions, policies, webhooks and objects: taken or refused, never an internal error."""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire.apiserver.custom import CRDS, CRONTABS, Calls, crd, crontab, serving, version

EXAMPLES = int(os.environ.get("HAUBERK_FUZZ", "40"))
TAKEN = {200, 201, 400, 403, 404, 405, 409, 422}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "object", "array", ".spec.x", "self.a > 1", "map", "(", "\u00e9"]),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.none(), st.integers(-9, 9), st.text(max_size=3), st.just({})), max_size=3),
    st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.integers(-9, 9), st.just({})), max_size=3),
)
COLUMNS = [{"name": "A", "type": "string", "jsonPath": ".spec.cronSpec"}]
GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["none"]}
HOOK = {
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "h"},
    "webhooks": [
        {
            "name": "a.example.com",
            "clientConfig": {"service": {"name": "a", "namespace": "b", "path": "/"}},
            "rules": [RULE],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
            "matchConditions": [{"name": "a", "expression": "true"}],
        }
    ],
}
POLICY = {
    "metadata": {"name": "p"},
    "spec": {
        "matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchLabels": {"a": "b"}}},
        "validations": [{"expression": "true", "messageExpression": "'a'", "reason": "Invalid"}],
        "variables": [{"name": "a", "expression": "1"}],
        "matchConditions": [{"name": "a", "expression": "true"}],
        "auditAnnotations": [{"key": "a", "valueExpression": "'a'"}],
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def spoilt(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy with junk at a place."""
    out = copy.deepcopy(value)
    place = out
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = junk
    return out


DEFINITION = crd(
    version("v1", additionalPrinterColumns=COLUMNS, selectableFields=[{"jsonPath": ".spec.image"}])
)
BODIES = (
    (CRDS, DEFINITION),
    (f"{GROUP}/validatingwebhookconfigurations", HOOK),
    (f"{GROUP}/validatingadmissionpolicies", POLICY),
)


@st.composite
def bodies(draw: Any) -> tuple[str, Any]:
    url, body = draw(st.sampled_from(BODIES))
    inside = [p for p in places(body) if p[0] in ("spec", "webhooks") and len(p) > 1]
    return url, spoilt(body, draw(st.sampled_from(inside)), draw(JUNK))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies())
def test_spoilt_extensions_are_taken_or_refused(tmp_path: Path, given_: tuple[str, Any]):
    url, body = given_

    async def run() -> None:
        async with serving(tmp_path, os.urandom(4).hex()) as calls:
            code, answer = await calls("POST", url, body)
            assert code in TAKEN, answer
            await _used(calls)

    asyncio.run(run())


async def _used(calls: Calls) -> None:
    """What was taken serves requests."""
    for method, path, sent in (
        ("POST", CRONTABS, crontab()),
        ("GET", CRONTABS, None),
        ("GET", "/apis", None),
    ):
        code, answer = await calls(method, path, sent)
        assert code in TAKEN, answer
    assert (await calls("GET", "/openapi/v2"))[0] == 200


OBJECT = {
    **crontab(replicas=1, maxReplicas=2, port=1, free={"a": 1}, ports=[{"port": 1, "name": "a"}]),
    "status": {"replicas": 1},
}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(list(places(OBJECT))), JUNK), min_size=1, max_size=40))
def test_spoilt_objects_are_taken_or_refused(tmp_path: Path, changes: list[Any]):
    async def run() -> None:
        async with serving(tmp_path, os.urandom(4).hex()) as calls:
            await calls("POST", CRDS, DEFINITION)
            for path, junk in changes:
                code, answer = await calls("POST", f"{CRONTABS}?dryRun=All", spoilt(OBJECT, path, junk))
                assert code in TAKEN, answer

    asyncio.run(run())
