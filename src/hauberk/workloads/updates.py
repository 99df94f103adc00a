"""What an update may not change: selectors, pod specs, Service addresses, immutable data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.apps.selector import selector_update
from hauberk.kinds.core import configmap, pod, secret, service
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.refusal import refuse

UpdateRule = Callable[[Json, Json], FieldErrors]

RULES: Mapping[str, Sequence[UpdateRule]] = {
    "Pod": (pod.validate_update,),
    "Service": (service.validate_update,),
    "ConfigMap": (configmap.validate_update,),
    "Secret": (secret.type_update, secret.validate_update),
    "Deployment.apps": (selector_update,),
    "ReplicaSet.apps": (selector_update,),
    "StatefulSet.apps": (selector_update,),
    "DaemonSet.apps": (selector_update,),
}


def admit(request: Request) -> Outcome:
    """Refuse a change of what is fixed."""
    obj, old = request.obj, request.old
    if obj is not None and old is not None and not request.subresource:
        refuse(obj, (e for rule in RULES[request.kind] for e in rule(old, obj)))
    return Outcome()


ADMISSION = Admission(name="fixed-fields", kinds=tuple(RULES), operations=("UPDATE",), admit=admit)
