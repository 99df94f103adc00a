"""Which cluster and which credentials: kubeconfig files read and merged as kubectl reads them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hauberk.base.problems import Problem

_LISTS = ("clusters", "users", "contexts")
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_EXEC_V1 = "client.authentication.k8s.io/v1"
_EXEC_V1BETA1 = "client.authentication.k8s.io/v1beta1"
_EXEC_INFO = (
    '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}'
)


def kubeconfig_files(path: str, environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The files to read: `path` alone, else `KUBECONFIG`'s, else `~/.kube/config`."""
    if path:
        return (Path(path),)
    listed = [Path(p) for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    return tuple(listed) or (home / ".kube" / "config",)


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The files' merged content. Raises Problem when none is there or one is not a kubeconfig."""
    found = [(file, _read_one(file)) for file in files if file.is_file()]
    if not found:
        raise Problem(
            "there is no kubeconfig to reach a cluster with",
            wanted="a kubeconfig file",
            found=f"none at {', '.join(map(str, files))}",
            fix="name one with --kubeconfig FILE, or an embedded cluster with --name NAME",
        )
    return merge((_absolute(content, file.resolve().parent)) for file, content in found)


def merge(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several kubeconfigs as one: the first that names a thing wins.

    Source: client-go tools/clientcmd/loader.go, ClientConfigLoadingRules.Load.
    """
    merged: dict[str, Any] = {name: [] for name in _LISTS}
    for content in contents:
        if content.get("current-context") and not merged.get("current-context"):
            merged["current-context"] = content["current-context"]
        for key in _LISTS:
            known = {row["name"] for row in merged[key]}
            merged[key] += [row for row in content.get(key) or () if row["name"] not in known]
    return merged


def pick(content: Mapping[str, Any], context: str) -> dict[str, Any]:
    """The kubeconfig with one context that is current, its cluster and its user. Problem when not there."""
    contexts = {row["name"]: row for row in content["contexts"]}
    name = context or content.get("current-context", "")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "no context"
        raise Problem(
            f"the kubeconfig has no context `{name}`" if name else "the kubeconfig has no current context",
            wanted="one of the kubeconfig's contexts",
            found=known,
            fix=f"--context {next(iter(sorted(contexts)), 'NAME')}",
        )
    chosen = contexts[name]["context"]
    clusters = [row for row in content["clusters"] if row["name"] == chosen.get("cluster")]
    users = [row for row in content["users"] if row["name"] == chosen.get("user")]
    if not clusters or not users:
        missing = "cluster" if not clusters else "user"
        raise Problem(
            f"context `{name}` names a {missing} that the kubeconfig does not have",
            wanted=f"an entry under `{missing}s` with the name `{chosen.get(missing, '')}`",
            found="none",
            fix=f"kubectl config set-context {name} --{missing}=NAME",
        )
    one = {"name": users[0]["name"], "user": _with_known_exec(users[0].get("user") or {})}
    row = {"clusters": clusters[:1], "users": [one], "contexts": [contexts[name]]}
    return {**row, "current-context": name}


def _read_one(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unreadable(file, str(error)) from error
    if not isinstance(content, dict) or any(not isinstance(content.get(k) or [], list) for k in _LISTS):
        raise _unreadable(file, "it is not a kubeconfig")
    return content


def _unreadable(file: Path, found: str) -> Problem:
    return Problem(
        f"the kubeconfig {file} cannot be read",
        wanted="YAML with clusters, users and contexts",
        found=found,
        fix="name another with --kubeconfig FILE",
    )


def _absolute(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """File names of a kubeconfig are relative to the kubeconfig."""
    out = dict(content)
    for inner, keys in _FILES.items():
        rows = []
        for row in content.get(f"{inner}s") or ():
            part = dict(row.get(inner) or {})
            part.update({k: str(folder / part[k]) for k in keys if part.get(k)})
            rows.append({**row, inner: part})
        out[f"{inner}s"] = rows
    return out


def _with_known_exec(user: Mapping[str, Any]) -> dict[str, Any]:
    """Let plugins of v1 run below a client that knows v1beta1: both answer with `status.token`."""
    plugin = user.get("exec")
    if not plugin or plugin.get("apiVersion") != _EXEC_V1:
        return dict(user)
    env = [*(plugin.get("env") or ()), {"name": "KUBERNETES_EXEC_INFO", "value": _EXEC_INFO}]
    return {**user, "exec": {**plugin, "apiVersion": _EXEC_V1BETA1, "env": env}}
