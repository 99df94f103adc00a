"""The pytest plugin: clusters, namespaces and Knative services under strict mTLS as fixtures.

| fixture                  | scope    | what it is                                                           |
|--------------------------|----------|----------------------------------------------------------------------|
| `hauberk_cluster`        | function | a fresh ephemeral cluster of this test's own                         |
| `hauberk_shared_cluster` | session  | one cluster for all tests (`--hauberk-cluster NAME`: one that runs)  |
| `hauberk_namespace`      | function | a fresh namespace of the shared cluster, deleted afterwards          |
| `hauberk_serverless`     | session  | the shared cluster with mesh, gateways and Knative, strict mTLS      |
| `hauberk_member`         | function | a fresh namespace of it that is a member of the mesh                 |
| `hauberk_kubeconfig`     | session  | the path of the shared cluster's kubeconfig, also `$KUBECONFIG` then |

Loaded by its entry point when Hauberk is installed; it imports nothing of Hauberk until a fixture is used.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hauberk.testing.cluster import Cluster
    from hauberk.testing.member import Member
    from hauberk.testing.space import Space


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's flags."""
    group = parser.getgroup("hauberk", "embedded OpenShift Serverless clusters")
    group.addoption(
        "--hauberk-cluster",
        metavar="NAME",
        help="share this running cluster instead of starting one; it is left running",
    )
    group.addoption(
        "--hauberk-keep", action="store_true", help="leave clusters running after the tests, to look at them"
    )


@contextmanager
def _started(folder: Path, config: pytest.Config) -> Iterator[Cluster]:
    """A fresh ephemeral cluster, taken down afterwards."""
    from hauberk.testing.cluster import hauberk, started

    name = f"test-{secrets.token_hex(3)}"
    try:
        yield started(name, folder, "--ephemeral")
    finally:
        if config.getoption("--hauberk-keep"):
            print(f"\ncluster `{name}` still runs; end it with: hauberk down --name {name}")
        else:
            hauberk("down", "--name", name)


@pytest.fixture
def hauberk_cluster(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A fresh ephemeral cluster of this test's own. Takes about two seconds to start."""
    with _started(tmp_path, pytestconfig) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def hauberk_shared_cluster(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Cluster]:
    """One cluster for all tests of the session."""
    folder = tmp_path_factory.mktemp("hauberk")
    name = pytestconfig.getoption("--hauberk-cluster")
    if not name:
        with _started(folder, pytestconfig) as cluster:
            yield cluster
        return
    from hauberk.cluster import find
    from hauberk.demo.shell import kubernetes_client
    from hauberk.testing.cluster import Cluster

    yield Cluster(name=name, options=find.running(name), folder=folder, kube=kubernetes_client())


@pytest.fixture(scope="session")
def hauberk_kubeconfig(hauberk_shared_cluster: Cluster) -> Iterator[Path]:
    """The shared cluster's kubeconfig; client libraries find it in `$KUBECONFIG`."""
    path = hauberk_shared_cluster.options.paths.kubeconfig
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = str(path)
    try:
        yield path
    finally:
        if before is None:
            del os.environ["KUBECONFIG"]
        else:
            os.environ["KUBECONFIG"] = before


@contextmanager
def _namespace(cluster: Cluster) -> Iterator[str]:
    name = f"test-{secrets.token_hex(3)}"
    cluster.must("create", "namespace", name)
    try:
        yield name
    finally:
        cluster.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def hauberk_namespace(hauberk_shared_cluster: Cluster) -> Iterator[Space]:
    """A fresh namespace of the shared cluster."""
    from hauberk.testing.space import Space

    with _namespace(hauberk_shared_cluster) as name:
        yield Space(hauberk_shared_cluster, name)


@pytest.fixture(scope="session")
def hauberk_serverless(hauberk_shared_cluster: Cluster) -> Cluster:
    """The shared cluster with the service mesh (strict mTLS), its gateways and Knative Serving."""
    from hauberk.testing.member import install

    install(hauberk_shared_cluster)
    return hauberk_shared_cluster


@pytest.fixture
def hauberk_member(hauberk_serverless: Cluster) -> Iterator[Member]:
    """A fresh namespace whose pods belong to the mesh."""
    from hauberk.testing.member import Member, join

    with _namespace(hauberk_serverless) as name:
        member = Member(hauberk_serverless, name)
        join(member)
        yield member


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what its cluster says about itself."""
    report = yield
    names = [n for n in getattr(item, "fixturenames", ()) if n.startswith("hauberk_")]
    if report.failed and call.when in ("setup", "call") and names:
        from hauberk.testing.cluster import Cluster
        from hauberk.testing.evidence import evidence

        used: dict[str, Any] = getattr(item, "funcargs", {})
        values = [getattr(v, "cluster", v) for v in used.values()]
        found = {v.name: v for v in values if isinstance(v, Cluster)}
        report.sections += [(f"cluster {name}", evidence(cluster)) for name, cluster in found.items()]
    return report
