"""One cluster with the document applied, shared by the system tests."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator

import pytest

from hauberk.base.progress import Quiet
from hauberk.demo.run import apply_document, make_certificates
from hauberk.testing.cluster import Cluster, hauberk, started
from hauberk.testing.evidence import evidence


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what its cluster says about itself: tomorrow it cannot be asked any more."""
    report = yield
    if report.failed and call.when in ("setup", "call"):
        used = {v.name: v for v in getattr(item, "funcargs", {}).values() if isinstance(v, Cluster)}
        report.sections += [(f"cluster {name}", evidence(found)) for name, found in used.items()]
    return report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A fresh ephemeral cluster without anything applied."""
    name = f"t-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("cluster")
    try:
        yield started(name, folder, "--ephemeral")
    finally:
        hauberk("down", "--name", name)


@pytest.fixture(scope="session")
def document(cluster: Cluster) -> Cluster:
    """The same cluster with the document's steps carried out."""
    make_certificates(cluster.shell, Quiet())
    apply_document(cluster.shell, cluster.kube, Quiet())
    return cluster
