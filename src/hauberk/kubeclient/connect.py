"""Opening a connection: a kubeconfig's context, or the service account of the pod that one runs in."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hauberk.base.problems import Problem
from hauberk.kubeclient import config
from hauberk.kubeclient.client import Kube

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which cluster: a kubeconfig file (empty: kubectl's rules) and a context in it (empty: the current)."""

    kubeconfig: str = ""
    context: str = ""


@asynccontextmanager
async def connect(
    target: Target | None = None, *, timeout_s: float = 30, manager: str = "hauberk"
) -> AsyncIterator[Kube]:
    """A client of the target's API server, closed at the end. Raises Problem when there is no way to it.

    Nothing is sent yet; the first request tells whether the server answers.
    """
    import httpx2
    from lightkube.config import client_adapter
    from lightkube.core.exceptions import ConfigError

    try:
        single = _config(target or Target())
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(timeout_s, connect=10))
        http = client_adapter.AsyncClient(single, parameters)
    except (ConfigError, OSError, ValueError) as error:
        raise Problem(
            "the kubeconfig cannot be used",
            wanted="a cluster's address and credentials",
            found=str(error),
            fix="kubectl config view --minify",
        ) from error
    try:
        yield Kube(http, server=single.cluster.server, manager=manager, name=single.context_name)
    finally:
        await http.aclose()


def _config(target: Target) -> SingleConfig:
    import msgspec
    from lightkube.config.kubeconfig import KubeConfig

    files = config.kubeconfig_files(target.kubeconfig, os.environ, Path.home())
    inside = IN_CLUSTER.is_file() and not target.kubeconfig and not any(f.is_file() for f in files)
    if inside and not target.context:
        found = KubeConfig.from_service_account().get()
    else:
        content: dict[str, Any] = config.pick(config.read(files), target.context)
        try:
            found = KubeConfig.from_dict(content, fname=files[0]).get()
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error
    assert found is not None, "a context is always chosen"
    return found
