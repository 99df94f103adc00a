"""Wiring of the Revision controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hauberk.base.refs import Json, Ref, labels_of
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.config import deployment as config_deployment
from hauberk.serving.config import features, observability, scale
from hauberk.serving.config.deployment import Deployment
from hauberk.serving.config.reading import data_of, wakes_all
from hauberk.serving.names import (
    AUTOSCALER,
    DEPLOYMENT,
    IMAGE,
    KPA_CLASS,
    L_REVISION,
    L_REVISION_UID,
    REVISION,
)
from hauberk.serving.resolver import Digest, Resolve, Unresolvable
from hauberk.serving.revision.make import Settings, deployment_name
from hauberk.serving.revision.plan import World, plan

CONFIG = (config_deployment.NAME, observability.NAME, features.NAME)


def observer(resolve: Resolve) -> Callable[[Snapshot, Ref], World | None]:
    """The observe function that asks `resolve` for digests."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        revision = snapshot.get(ref)
        if revision is None:
            return None
        deployment = snapshot.get(Ref(DEPLOYMENT, ref.namespace, deployment_name(revision)))
        config = config_deployment.parse_deployment(data_of(snapshot, config_deployment.NAME))
        digests = _digests(revision, resolve, config)
        return World(
            revision=revision,
            deployment=deployment,
            autoscaler=snapshot.get(Ref(AUTOSCALER, ref.namespace, ref.name)),
            pods=tuple(snapshot.list("Pod", ref.namespace, {L_REVISION_UID: revision["metadata"]["uid"]})),
            digests=digests,
            settings=_settings(snapshot, revision, deployment, config, digests),
        )

    return observe


def _digests(revision: Json, resolve: Resolve, config: Deployment) -> dict[str, Digest | Unresolvable | None]:
    """Each image's digest: once found it stays, so that a Revision keeps its image when the tag moves on."""
    status, spec = revision.get("status") or {}, revision["spec"]
    rows = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    kept = {row.get("name", ""): row["imageDigest"] for row in rows if row.get("imageDigest")}
    out: dict[str, Digest | Unresolvable | None] = {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        image, before = str(container.get("image", "")), kept.get(container.get("name", ""), "")
        if "@" in image or image.split("/")[0] in config.skip_tag_resolving:
            out[image] = Digest("")
        else:
            out[image] = _again(before, image, resolve) if before else resolve(image)
    return out


def _again(before: str, image: str, resolve: Resolve) -> Digest:
    """The digest as it was, unless it is gone and the tag has another: built-in images move on."""
    if isinstance(resolve(before), Unresolvable):
        now = resolve(image)
        if isinstance(now, Digest):
            return now
    return Digest(before)


def _settings(
    snapshot: Snapshot,
    revision: Json,
    deployment: Json | None,
    config: Deployment,
    digests: dict[str, Digest | Unresolvable | None],
) -> Settings:
    """A Deployment that exists keeps its size: the PodAutoscaler sets it."""
    autoscaling = data_of(snapshot, scale.NAME)
    annotations = revision["metadata"].get("annotations") or {}
    size = (deployment or {}).get("spec", {}).get("replicas")
    return Settings(
        deployment=config,
        observability=observability.queue_config(data_of(snapshot, observability.NAME)),
        log_url=observability.log_url(data_of(snapshot, observability.NAME), revision),
        features=data_of(snapshot, features.NAME),
        replicas=scale.initial_scale(annotations, autoscaling) if size is None else size,
        digests={i: d.image for i, d in digests.items() if isinstance(d, Digest) and d.image},
        default_class=autoscaling.get("pod-autoscaler-class") or KPA_CLASS,
    )


def wake_for_pod(pod: Json, snapshot: Snapshot) -> Iterable[Ref]:  # noqa: ARG001 - a Wakes
    """The Revision that a pod runs."""
    name = labels_of(pod).get(L_REVISION)
    if name:
        yield Ref(REVISION, pod["metadata"]["namespace"], name)


def controller(resolve: Resolve) -> Controller[World]:
    """The Revision's row, with the place that knows digests."""
    return Controller(
        name="revision",
        kind=REVISION,
        owns=(DEPLOYMENT, AUTOSCALER, IMAGE),
        wakes={"Pod": wake_for_pod, "ConfigMap": wakes_all(REVISION, *CONFIG)},
        observe=observer(resolve),
        plan=plan,
    )
