"""Questions that are answered: what may somebody, whose is a token; and tokens that are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hauberk.apiserver import Server
from hauberk.apiserver.auth import by_client_certificate
from hauberk.apiserver.rbac.defaults import bring_up
from hauberk.apiserver.tokens import Tokens, by_token
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store
from hauberk.testing.asgi import ADMIN, AsgiClient

ISSUER = "https://kubernetes.default.svc.cluster.local"
PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
AUTHORIZATION = "/apis/authorization.k8s.io/v1"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/robot/token"
ANN = {"x-forwarded-client-cert": 'Subject="CN=ann,O=people"'}


class Client:
    """Calls the API as anybody."""

    def __init__(self, api: Server) -> None:
        self.api = api

    async def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Any = ADMIN,
        media: str = "application/json",
    ) -> tuple[int, Any]:
        return await AsgiClient(self.api.asgi, headers)(method, url, body, media=media)


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Client]:
    store, clock = Store.open(tmp_path / "state.db", ephemeral=True), SystemClock()
    api = Server(
        store,
        clock=clock,
        authenticators=(by_client_certificate, by_token(PEM, ISSUER, store.snapshot, clock)),
        tokens=Tokens(PEM, ISSUER, store.snapshot, clock),
    )
    for obj in (a("Namespace", "default"), a("ServiceAccount", "robot"), a("ServiceAccount", "other")):
        await api.create(obj)
    await bring_up(api)
    yield Client(api)
    await store.close()


async def asked(
    call: Client, kind: str, spec: dict[str, Any], where: str = AUTHORIZATION, **more: Any
) -> Any:
    return await call("POST", f"{where}/{kind}", {"spec": spec}, **more)


PODS = {"verb": "get", "resource": "pods", "namespace": "default"}


async def test_what_somebody_else_may(call: Client) -> None:
    code, answer = await asked(call, "subjectaccessreviews", {"resourceAttributes": PODS, "user": "sam"})
    assert (code, answer["status"]) == (201, {"allowed": False})
    spec = {"nonResourceAttributes": {"verb": "get", "path": "/api"}, "groups": ["system:authenticated"]}
    _, answer = await asked(call, "subjectaccessreviews", spec)
    assert answer["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole '
        '"system:discovery" to Group "system:authenticated"',
    }
    local = f"{AUTHORIZATION}/namespaces/default"
    code, _ = await asked(
        call, "localsubjectaccessreviews", {"resourceAttributes": PODS, "user": "sam"}, where=local
    )
    assert code == 201
    elsewhere = {"resourceAttributes": {**PODS, "namespace": "x"}, "user": "sam"}
    assert (await asked(call, "localsubjectaccessreviews", elsewhere, where=local))[0] == 400


@pytest.mark.parametrize(
    ("kind", "spec", "code"),
    [
        ("selfsubjectaccessreviews", {}, 422),
        ("selfsubjectaccessreviews", {"resourceAttributes": PODS, "nonResourceAttributes": {}}, 422),
        ("subjectaccessreviews", {"resourceAttributes": PODS}, 422),
        ("selfsubjectrulesreviews", {}, 400),
    ],
)
async def test_questions_that_are_not_whole(call: Client, kind: str, spec: dict[str, Any], code: int) -> None:
    assert (await asked(call, kind, spec))[0] == code


async def test_asking_about_others_is_a_permission(call: Client) -> None:
    spec = {"resourceAttributes": PODS, "user": "sam"}
    assert (await asked(call, "subjectaccessreviews", spec, headers=ANN))[0] == 403
    assert (await asked(call, "selfsubjectaccessreviews", {"resourceAttributes": PODS}, headers=ANN))[
        0
    ] == 201


async def test_a_token_is_given_for_a_time_and_an_audience(call: Client) -> None:
    code, given = await call("POST", TOKEN, {"spec": {"expirationSeconds": 600}})
    assert (code, given["kind"], given["spec"]["expirationSeconds"]) == (201, "TokenRequest", 600)
    bearer = {"authorization": f"Bearer {given['status']['token']}"}
    _, me = await asked(call, "selfsubjectreviews", {}, "/apis/authentication.k8s.io/v1", headers=bearer)
    assert me["status"]["userInfo"]["username"] == "system:serviceaccount:default:robot"
    _, other = await call("POST", TOKEN, {"spec": {"audiences": ["vault"]}})
    token = other["status"]["token"]
    assert (await call("GET", "/api", headers={"authorization": f"Bearer {token}"}))[0] == 401
    where = "/apis/authentication.k8s.io/v1"
    _, review = await asked(call, "tokenreviews", {"token": token, "audiences": ["x", "vault"]}, where)
    assert (review["status"]["authenticated"], review["status"]["audiences"]) == (True, ["vault"])
    _, review = await asked(call, "tokenreviews", {"token": token}, where)
    assert "authenticated" not in review["status"]
    assert (await asked(call, "tokenreviews", {}, where))[0] == 400


async def test_what_no_token_is_given_for(call: Client) -> None:
    refused = {
        422: {"expirationSeconds": 60},
        400: {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}},
        404: {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "gone"}},
    }
    for code, spec in refused.items():
        assert (await call("POST", TOKEN, {"spec": spec}))[0] == code, spec
    pod = a("Pod", "p", spec={"serviceAccountName": "other", "containers": [{"name": "c", "image": "x"}]})
    await call.api.create(pod)
    bound = {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}
    code, status = await call("POST", TOKEN, {"spec": bound})
    assert (code, "running with different serviceaccount name" in status["message"]) == (400, True)
    stale = {"boundObjectRef": {**bound["boundObjectRef"], "uid": "another"}}
    assert (await call("POST", TOKEN.replace("robot", "other"), {"spec": stale}))[0] == 409
    code, _ = await call("POST", TOKEN.replace("robot", "nobody"), {"spec": {}})
    assert code == 404


async def test_applying_what_is_not_there_needs_create(call: Client) -> None:
    rules = [{"verbs": ["patch", "get"], "apiGroups": [""], "resources": ["configmaps"]}]
    await call.api.create(a("ClusterRole.rbac.authorization.k8s.io", "patcher", rules=rules))
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "patcher"}
    binding = a(
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "ann",
        roleRef=ref,
        subjects=[{"kind": "User", "name": "ann"}],
    )
    await call.api.create(binding)
    path = "/api/v1/namespaces/default/configmaps/new?fieldManager=t"
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    media = "application/apply-patch+yaml"
    code, status = await call("PATCH", path, obj, headers=ANN, media=media)
    assert code == 403
    assert 'cannot create resource "configmaps"' in status["message"]
    assert (await call("PATCH", path, obj, media=media))[0] == 201
    assert (await call("PATCH", path, {**obj, "data": {"a": "b"}}, headers=ANN, media=media))[0] == 200
