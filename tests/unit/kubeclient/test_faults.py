"""What refused requests tell."""

from __future__ import annotations

import pytest

from hauberk.base import apierrors
from hauberk.base.fields import FieldError
from hauberk.base.refs import Ref
from hauberk.kubeclient.faults import error_of, explained, managers_in, problem_of

REF = Ref("Gateway.networking.istio.io", "knative-serving", "knative-ingress-gateway")
OWNED = FieldError(".spec.selector.knative", 'conflict with "argocd"', "FieldManagerConflict")


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (401, "Unauthorized", apierrors.Unauthorized),
        (403, "Forbidden", apierrors.Forbidden),
        (404, "NotFound", apierrors.NotFound),
        (409, "AlreadyExists", apierrors.AlreadyExists),
        (409, "Conflict", apierrors.Conflict),
        (410, "Expired", apierrors.Gone),
        (422, "Invalid", apierrors.Invalid),
        (500, "InternalError", apierrors.ApiError),
        (404, "", apierrors.NotFound),
        (403, "", apierrors.Forbidden),
    ],
)
def test_a_status_becomes_the_exception_of_its_reason(code: int, reason: str, kind: type):
    error = error_of(code, {"reason": reason, "message": "m"}, REF)
    assert type(error) is kind
    assert (error.code, error.message, error.ref) == (code, "m", REF)


def test_an_answer_that_is_no_status_is_told_in_part():
    assert error_of(502, "<html>bad gateway</html>").message == "HTTP 502: <html>bad gateway</html>"


@pytest.mark.parametrize(
    ("error", "wanted", "fix"),
    [
        (apierrors.Unauthorized("expired"), "credentials", "log in again"),
        (apierrors.Forbidden("no", ref=REF), "permission", "-n knative-serving"),
        (apierrors.Conflict("Apply failed with 1 conflict", causes=(OWNED,)), "hauberk", "--force-conflicts"),
        (apierrors.Invalid("spec.x: wrong"), "accepts", "hauberk.yaml"),
        (apierrors.Forbidden('admission webhook "v.knative.dev" denied the request: no'), "admit", "webhook"),
        (
            apierrors.ApiError('Internal error: failed calling webhook "w.x": no endpoints'),
            "answer",
            "Service",
        ),
        (apierrors.ApiError("etcd is away"), "carried out", "again"),
    ],
)
def test_every_refusal_says_what_to_do(error: apierrors.ApiError, wanted: str, fix: str):
    problem = problem_of(error, "apply it", REF)
    assert problem.what == "cannot apply it"
    assert wanted in problem.wanted
    assert fix in problem.fix


def test_a_conflict_names_owner_and_field():
    error = apierrors.Conflict("Apply failed", causes=(OWNED,))
    assert managers_in(error) == ("argocd",)
    problem = problem_of(error, "apply it", REF)
    assert ".spec.selector.knative" in problem.wanted
    assert "`argocd`" in problem.found


def test_a_block_raises_problems():
    with pytest.raises(Exception, match="cannot read it") as told, explained("read it"):
        raise apierrors.NotFound("gone")
    assert isinstance(told.value.__cause__, apierrors.NotFound)
