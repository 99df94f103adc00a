"""The children of a Configuration.

Source: knative/serving pkg/reconciler/configuration/resources/revision.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, controller_of, labels_of
from hauberk.serving.names import (
    A_CREATOR,
    A_MODIFIER,
    A_ROUTES,
    A_STATE_TIME,
    L_CONFIGURATION,
    L_CONFIGURATION_UID,
    L_GENERATION,
    L_SERVICE,
    L_SERVICE_UID,
    L_STATE,
    SERVING_V1,
    body,
)


def revision_name(config: Json) -> str:
    """`NAME-00001` by generation, or the name that the template brings."""
    template = config["spec"].get("template") or {}
    own = (template.get("metadata") or {}).get("name")
    generation = int(config["metadata"].get("generation") or 1)
    return own or child_name(config["metadata"]["name"], f"-{generation:05d}")


def is_latest(revision: Json, config: Json) -> bool:
    """Whether a revision with the wanted name is the Configuration's own, and of its present template.

    Source: knative/serving pkg/reconciler/configuration/configuration.go, CheckNameAvailability.
    """
    owner = controller_of(revision)
    if owner is None or owner["uid"] != config["metadata"]["uid"]:
        return False
    generation = str(config["metadata"].get("generation") or 1)
    template = config["spec"].get("template") or {}
    same_spec = bool(template.get("spec")) and template["spec"] == revision.get("spec")
    return labels_of(revision).get(L_GENERATION) == generation or same_spec


def make_revision(config: Json, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Json:
    """The Revision of the Configuration's present template, with these routing labels and annotations."""
    meta = config["metadata"]
    template = config["spec"].get("template") or {}
    of_template: Mapping[str, Any] = template.get("metadata") or {}
    from_config = {k: v for k, v in labels_of(config).items() if k in (L_SERVICE, L_SERVICE_UID)}
    creator = annotations_of(config).get(A_MODIFIER) or annotations_of(config).get(A_CREATOR)
    return body(
        SERVING_V1,
        "Revision",
        {
            "name": revision_name(config),
            "namespace": meta["namespace"],
            "labels": {
                **(of_template.get("labels") or {}),
                **from_config,
                L_CONFIGURATION: meta["name"],
                L_CONFIGURATION_UID: meta["uid"],
                L_GENERATION: str(meta.get("generation") or 1),
                **labels,
            },
            "annotations": {
                **(of_template.get("annotations") or {}),
                **({A_CREATOR: creator} if creator else {}),
                **annotations,
            },
        },
        spec=template.get("spec") or {},
    )


def keep_revision(stored: Json, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Json:
    """An existing Revision as it is, with its routing state brought up to date."""
    meta = stored["metadata"]
    managed = (A_ROUTES, A_STATE_TIME)
    kept = {k: v for k, v in annotations_of(stored).items() if k not in managed}
    return body(
        SERVING_V1,
        "Revision",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**{k: v for k, v in labels_of(stored).items() if k != L_STATE}, **labels},
            "annotations": {**kept, **annotations},
        },
        spec=stored["spec"],
    )
