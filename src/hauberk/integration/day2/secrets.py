"""Which TLS Secrets the filter of net-istio lets through, and labelling those that are needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.integration.certs import leaves_of
from hauberk.integration.model import Integration
from hauberk.integration.profiles.objects import SECRET_LABEL
from hauberk.kubeclient import Kube

TLS = "kubernetes.io/tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A TLS Secret, never its content."""

    namespace: str
    name: str
    labelled: bool
    needed_for: str = ""  # a host; empty when hauberk.yaml does not name it
    there: bool = True

    def as_json(self) -> dict[str, Any]:
        """The row of `-o json`."""
        row = asdict(self)
        return {**row, "neededFor": row.pop("needed_for")}


def rows_of(integration: Integration, secrets: Iterable[Json]) -> tuple[Row, ...]:
    """The TLS Secrets of the mesh's namespaces, and those that are needed and missing. Pure."""
    needed = {leaf.secret: ", ".join(leaf.hosts) for leaf in leaves_of(integration)}
    seen = {ref_of(s): SECRET_LABEL in labels_of(s) for s in secrets if s.get("type") == TLS}
    return tuple(
        Row(
            namespace=ref.namespace,
            name=ref.name,
            labelled=seen.get(ref, False),
            needed_for=needed.get(ref, ""),
            there=ref in seen,
        )
        for ref in sorted({*needed, *seen})
    )


async def fetch_rows(kube: Kube, integration: Integration) -> tuple[Row, ...]:
    """The rows of the gateway's namespace and of every member."""
    places = dict.fromkeys((integration.gateway_namespace, *integration.members))
    found = [secret for place in places for secret in await kube.list("Secret", place)]
    return rows_of(integration, found)


def chosen(rows: Sequence[Row], names: Sequence[str]) -> tuple[Ref, ...]:
    """The Secrets to label: those named as NAMESPACE/NAME, else those that are needed and lack it.

    Raises Problem for one that is not there.
    """
    known = {f"{row.namespace}/{row.name}": row for row in rows}
    wanted = names or [key for key, row in known.items() if row.needed_for and row.there and not row.labelled]
    for name in wanted:
        if name not in known or not known[name].there:
            raise Problem(
                f"there is no TLS Secret `{name}`",
                wanted="NAMESPACE/NAME of one in the gateway's namespace or a member's",
                found=name,
                fix="hauberk secrets list",
            )
    return tuple(Ref("Secret", known[n].namespace, known[n].name) for n in wanted)


async def label(kube: Kube, refs: Iterable[Ref]) -> tuple[Ref, ...]:
    """Put the label on these Secrets; nothing else of them is read or written."""
    done = []
    for ref in refs:
        await kube.patch(ref, {"metadata": {"labels": {SECRET_LABEL: ref.name[:63]}}})
        done.append(ref)
    return tuple(done)
