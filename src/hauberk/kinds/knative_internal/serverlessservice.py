"""networking.internal.knative.dev/v1alpha1 ServerlessService: a revision's two Services."""

from __future__ import annotations

from typing import Any, Literal

from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import INTERNAL, READY


class ObjectReference(Part, frozen=True):
    """The scaled object."""

    api_version: str = ""
    kind: str = ""
    name: str = ""


class ServerlessServiceSpec(Part, frozen=True):
    """Serve: the public Service leads to the pods; Proxy: to the activator."""

    mode: Literal["Proxy", "Serve"] = "Proxy"
    object_ref: ObjectReference = ObjectReference()
    protocol_type: Literal["http1", "h2c"] = "http1"
    num_activators: int = 0


class ServerlessService(Part, frozen=True):
    """ServerlessService switches a revision's public Service between its pods and the activator."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ServerlessServiceSpec = ServerlessServiceSpec()
    status: dict[str, Any] | None = None


KIND = Kind(
    group="networking.internal.knative.dev",
    name="ServerlessService",
    plural="serverlessservices",
    versions=("v1alpha1",),
    short_names=("sks",),
    categories=INTERNAL,
    model=ServerlessService,
    columns=(
        Column("Mode", ".spec.mode"),
        Column("Activators", ".spec.numActivators", "integer"),
        Column("ServiceName", ".status.serviceName"),
        Column("PrivateServiceName", ".status.privateServiceName"),
        *READY,
    ),
)
