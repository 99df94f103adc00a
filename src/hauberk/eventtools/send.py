"""Sends one event from a pod: through that namespace's sidecars and policies, as an application would."""

from __future__ import annotations

import asyncio
import base64
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.events.event import BadEvent, Event, to_binary, to_structured, validate
from hauberk.eventtools.target import Named, parse_target, url_of

if TYPE_CHECKING:
    from hauberk.kubeclient import Kube

INJECT = "sidecar.istio.io/inject"
LIMIT = 700 * 1024  # bytes of data: a Secret holds 1 MiB
WITHIN_S = 90.0
_LOOK_S = 0.2
_MARK = "hauberk-events"
_END = re.compile(rf"^{_MARK} (?P<status>\d{{3}}) (?P<seconds>[\d.]+) (?P<exit>\d+)$", re.MULTILINE)
_SCRIPT = f"""\
ready() {{ curl -fsS -m 1 -o /dev/null http://127.0.0.1:15021/healthz/ready 2>/dev/null; }}
if [ "$SIDECAR" = true ]; then for i in $(seq 100); do ready && break; sleep 0.1; done; fi
code=$(curl -sS -i -m 60 -X POST -H @/event/headers --data-binary @/event/body \\
  -w '\\n%{{http_code}} %{{time_total}}' "$TARGET" 2>&1)
exit=$?
printf '%s\\n' "$code" | sed '$d'
echo "{_MARK} $(printf '%s\\n' "$code" | tail -n 1) $exit"
sleep 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be sent, where to, and from where."""

    target: str
    namespace: str
    attributes: dict[str, str]
    data: bytes
    structured: bool
    sidecar: bool
    image: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `status` 0: no answer."""

    url: str
    event_id: str
    status: int
    seconds: float
    answer: str

    @property
    def is_taken(self) -> bool:
        """Whether the event was taken."""
        return 200 <= self.status < 300

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        said = {"target": self.url, "id": self.event_id, "status": self.status, "seconds": self.seconds}
        found = problem_of(self)
        return {**said, "answer": self.answer, **({"problem": found.what} if found else {})}


def make_event(wish: Wish) -> Event:
    """The event. Raises Problem when it is none."""
    if len(wish.data) > LIMIT:
        raise Problem(
            "the data is too large",
            wanted=f"at most {LIMIT // 1024} KiB",
            found=f"{len(wish.data) // 1024} KiB",
            fix="send it by a program of your own, in a pod",
        )
    event = Event({"specversion": "1.0", **wish.attributes}, wish.data)
    try:
        validate(event)
    except BadEvent as error:
        raise Problem(
            "this is not a valid CloudEvent",
            wanted="attributes as CloudEvents 1.0 has them",
            found=str(error).replace("\n", "; "),
            fix="look at --type, --source, --id and --attribute",
        ) from error
    return event


def make_objects(wish: Wish, name: str, url: str, event: Event) -> list[dict[str, Any]]:
    """The Secret with the message, and the pod that sends it."""
    headers, body = to_structured(event) if wish.structured else to_binary(event)
    lines = "".join(f"{key}: {value}\n" for key, value in headers)
    meta = {"name": name, "namespace": wish.namespace, "labels": {"hauberk.dev/temporary": "events"}}
    data = {k: base64.b64encode(v).decode() for k, v in (("headers", lines.encode()), ("body", body))}
    inject = str(wish.sidecar).lower()
    container = {
        "name": "client",
        "image": wish.image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": "TARGET", "value": url}, {"name": "SIDECAR", "value": inject}],
        "volumeMounts": [{"name": "event", "mountPath": "/event", "readOnly": True}],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "activeDeadlineSeconds": int(WITHIN_S) + 30,
        "containers": [container],
        "volumes": [{"name": "event", "secret": {"secretName": name}}],
    }
    marked = {**meta, "labels": {**meta["labels"], INJECT: inject}, "annotations": {INJECT: inject}}  # type: ignore[dict-item]
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": marked, "spec": spec},
    ]


def read_outcome(log: str, url: str, event_id: str) -> Outcome | None:
    """What the pod's output tells; None while it has not ended."""
    end = _END.search(log)
    if end is None:
        return None
    said = log[: end.start()].strip()
    if int(end["exit"]):
        return Outcome(url, event_id, 0, float(end["seconds"]), said)
    body = said.replace("\r\n", "\n").partition("\n\n")[2]
    return Outcome(url, event_id, int(end["status"]), float(end["seconds"]), body.strip())


_PROBLEMS = {
    0: ("nobody answered", "hauberk mesh trace says which station refuses the call"),
    400: ("the receiver says this is no event for it", "look at the attributes and the path"),
    401: ("the receiver wants a token", "an EventPolicy applies: send from an allowed account"),
    403: ("the mesh or an EventPolicy refused it", "hauberk mesh trace says which policy decides"),
    404: ("the receiver does not know this target", "look at the target's conditions"),
    413: ("the event is too large for the receiver", "send a reference to the data instead"),
    429: ("the receiver has too much to do", "send it again later"),
    503: (
        "nothing behind the target is ready, or it does not speak mTLS",
        "hauberk mesh proxies; hauberk status",
    ),
    507: ("the channel's disk is full", "free some space in the cluster's data directory"),
}


def problem_of(outcome: Outcome) -> Problem | None:
    """Why an event was not taken, and what to do; None when it was. Pure."""
    if outcome.is_taken:
        return None
    what, fix = _PROBLEMS.get(outcome.status, ("the event was not taken", "look at the receiver's log"))
    status = f"status {outcome.status}" if outcome.status else "no answer"
    return Problem(
        f"{what}: {status}",
        wanted=f"2xx from {outcome.url}",
        found=f"{status}{': ' if outcome.answer else ''}{outcome.answer[:300]}",
        fix=fix,
    )


async def send(kube: Kube, wish: Wish, name: str) -> Outcome:
    """Send the event from a pod called `name`, which is removed in the end. Raises Problem."""
    event = make_event(wish)
    target = parse_target(wish.target, wish.namespace)
    url = url_of(target, await kube.find(target.ref)) if isinstance(target, Named) else target
    made: list[Ref] = []
    try:
        for obj in make_objects(wish, name, url, event):
            await kube.create(obj)
            made.append(ref_of(obj))
        return await _wait(kube, made[-1], url, event.id)
    finally:
        for ref in reversed(made):
            await kube.delete(ref)


async def _wait(kube: Kube, pod: Ref, url: str, event_id: str) -> Outcome:
    """Read the pod's output until it tells what came of it."""
    waited = 0.0
    while waited < WITHIN_S:
        try:
            outcome = read_outcome(await kube.logs(pod, "client", 400), url, event_id)
        except ApiError:
            outcome = None  # the container is not there yet
        if outcome is not None:
            return outcome
        await asyncio.sleep(_LOOK_S)
        waited += _LOOK_S
    raise Problem(
        "the pod that sends the event did not get that far",
        wanted=f"an answer within {WITHIN_S:g} s",
        found=state_of(await kube.find(pod)),
        fix=f"kubectl describe pod {shlex.quote(pod.name)} --namespace {shlex.quote(pod.namespace)}",
    )


def state_of(pod: Json | None) -> str:
    """Why a pod's containers wait."""
    status = (pod or {}).get("status") or {}
    rows = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = [(r["name"], (r.get("state") or {}).get("waiting")) for r in rows]
    told = [f"{name}: {w.get('reason', '')} {w.get('message', '')}".strip() for name, w in waiting if w]
    return "; ".join(told) or f"phase {status.get('phase', 'unknown')}"
