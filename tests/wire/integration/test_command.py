"""The commands as processes, against an API server that only stores."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hauberk.base.refs import Ref
from hauberk.kinds.testing import a
from hauberk.kubeclient import Target, connect
from hauberk.testing.storing import Storing, storing

pytestmark = pytest.mark.wire
TEXT = """\
apiVersion: hauberk/v1alpha1
kind: Integration
domain: apps.openshift.example.com
members: [knative-serving, knative-eventing]
certificate: {source: secret}
"""
PLANE = Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Storing]:
    (tmp_path / "hauberk.yaml").write_text(TEXT)
    async with storing(tmp_path) as found:
        await found.api.create(a("Namespace", "istio-system"))
        data = {"tls.crt": "", "tls.key": ""}
        secret = a("Secret", "wildcard-certs", "istio-system", type="kubernetes.io/tls", data=data)
        await found.api.create(secret)
        yield found


async def begin(server: Storing, command: str, *args: str) -> asyncio.subprocess.Process:
    argv = [command, "-f", str(server.folder / "hauberk.yaml"), "--kubeconfig", server.kubeconfig(), *args]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hauberk.cli.main",
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
    )


async def ended(server: Storing, command: str, *args: str) -> tuple[int | None, str, str]:
    process = await begin(server, command, *args)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_an_interruption_says_that_nothing_is_lost(server: Storing, how: signal.Signals):
    process = await begin(server, "install", "--skip-preflight")
    assert process.stderr is not None
    async for line in process.stderr:
        if b"ServiceMeshControlPlane istio-system/basic " in line:
            break
    process.send_signal(how)
    rest = (await process.stderr.read()).decode()
    assert await process.wait() == 130
    assert "it goes on where it stopped" in rest
    assert "Traceback" not in rest
    async with connect(Target(kubeconfig=server.kubeconfig())) as kube:
        assert await kube.find(PLANE) is not None


async def test_a_timeout_is_told_with_its_cause_and_nothing_on_stdout(server: Storing):
    code, out, err = await ended(server, "install", "--skip-preflight", "--timeout", "1")
    assert (code, out) == (1, "")
    assert "istio-system/basic is not ready after 1 s" in err
    assert "no operator acts on it" in err


async def test_a_failed_preflight_stops_the_install_before_anything_is_changed(server: Storing):
    code, _, err = await ended(server, "install")
    assert code == 1
    assert "preflight: certificate" in err
    async with connect(Target(kubeconfig=server.kubeconfig())) as kube:
        assert await kube.find(Ref("Namespace", "", "knative-serving")) is None


async def test_plan_and_dry_run_print_the_same_and_check_exits_3(server: Storing):
    code, planned, _ = await ended(server, "plan", "-o", "json")
    assert code == 0
    assert {row["action"] for row in json.loads(planned)} == {"create", "none"}
    assert (await ended(server, "install", "--dry-run", "-o", "json"))[1] == planned
    code, text, _ = await ended(server, "plan", "--check")
    assert code == 3
    assert "20-control-plane\n  + ServiceMeshControlPlane.maistra.io istio-system/basic" in text


async def test_two_clusters_at_once_are_a_contradiction(server: Storing):
    code, _, err = await ended(server, "plan", "--name", "default")
    assert code == 1
    assert "two clusters are named" in err
