"""Choosing a cluster as kubectl does."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.base.problems import Problem
from hauberk.kubeclient import config


def one(name: str, **user: object) -> dict:
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}"}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


@pytest.mark.parametrize(
    ("path", "environ", "files"),
    [
        ("given", {"KUBECONFIG": "a:b"}, ["given"]),
        ("", {"KUBECONFIG": "a::b"}, ["a", "b"]),
        ("", {"KUBECONFIG": ""}, ["/home/me/.kube/config"]),
        ("", {}, ["/home/me/.kube/config"]),
    ],
)
def test_files_are_found_as_kubectl_finds_them(path: str, environ: dict, files: list[str]):
    assert config.kubeconfig_files(path, environ, Path("/home/me")) == tuple(map(Path, files))


def test_of_several_files_the_first_that_names_a_thing_wins():
    second = {**one("b"), "clusters": [{"name": "a", "cluster": {"server": "https://other"}}]}
    merged = config.merge([one("a"), second])
    assert merged["current-context"] == "a"
    assert [c["cluster"]["server"] for c in merged["clusters"]] == ["https://a"]
    assert [c["name"] for c in merged["contexts"]] == ["a", "b"]


def test_a_context_is_picked_with_its_cluster_and_user_only():
    merged = config.merge([one("a"), one("b", token="t")])
    picked = config.pick(merged, "b")
    assert picked["current-context"] == "b"
    assert [u["name"] for u in picked["users"]] == ["b"]
    assert config.pick(merged, "")["current-context"] == "a"


@pytest.mark.parametrize(
    ("content", "context", "told"),
    [
        (one("a"), "z", "no context `z`"),
        ({**one("a"), "current-context": ""}, "", "no current context"),
        ({**one("a"), "users": []}, "a", "names a user"),
        ({**one("a"), "clusters": []}, "a", "names a cluster"),
    ],
)
def test_what_is_missing_is_a_problem(content: dict, context: str, told: str):
    with pytest.raises(Problem, match=told):
        config.pick(content, context)


def test_plugins_of_v1_run_with_what_they_ask_for():
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "login"}
    picked = config.pick(one("a", exec=plugin), "")
    found = picked["users"][0]["user"]["exec"]
    assert found["apiVersion"].endswith("v1beta1")
    assert found["env"][0]["name"] == "KUBERNETES_EXEC_INFO"
