"""Rules that Envoys refused, and what runs in their place until they change.

Validation cannot know everything that Envoy refuses. A refused resource stays as the proxy has it, and with
it everything else that it was to carry: one bad VirtualService would keep every later change from a port's
route table, and a new pod would get no table at all. So the rule that caused it is replaced by its last
version that was not refused; a VirtualService, Gateway or ServiceEntry that never had one is left out. A
DestinationRule or AuthorizationPolicy is not: traffic that it was to secure must not flow without it, and
the proxy goes on with what it has.

| rules that no proxy took yet | what happens                                                        |
|------------------------------|---------------------------------------------------------------------|
| none                         | the newest of all is to blame: each is fine, together they are not   |
| one                          | it is to blame                                                      |
| several                      | the newer half waits; after the proxies answered, a part is let back |

The version that stands in is noted in the rule's status, so the next control plane knows it too.
Deviation: upstream's proxies keep refusing the whole resource, and tell it in istiod's log only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.mesh.model import Finding
from hauberk.mesh.origins import Origin, origin_of

CONDITION = "Accepted"
REFUSED = "ConfigurationRefused"
LAST_GOOD = "lastGoodSpec"
"""Where in a refused rule's status the spec stands that is in force."""
LEFT_OUT = ("VirtualService.networking.istio.io", "Gateway.networking.istio.io",
            "ServiceEntry.networking.istio.io")  # fmt: skip
"""Kinds without which traffic is not less secure."""
_VERSIONS = 3
_NAMED = 3
_REASON_CHARS = 500


@dataclass
class _Case:
    """What is known of one refusal."""

    what: str  # such as `RouteConfiguration 80`
    reason: str  # Envoy's own
    pods: dict[str, None] = field(default_factory=dict)
    told: str = ""  # the whole message, when another control plane told it

    def message(self, home: str, instead: str) -> str:
        """Who refused it (pods of the namespace `home` first), why, and what runs instead."""
        if self.told:
            return self.told
        names = sorted(self.pods, key=lambda name: (not name.startswith(f"{home}/"), name))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        reason = shortened(self.reason)
        return f"Envoy of {', '.join(names[:_NAMED])}{more} refused {self.what}: {reason}; {instead}"


class Refusals:
    """Feed `observe` and `refused`; build with `stand_ins`, tell `findings`; `let_back` after an answer."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[Json, ...]] = {}  # by uid; newest last
        self._guilty: dict[Origin, _Case] = {}
        self._held: dict[Origin, None] = {}
        self._order: dict[Ref, int] = {}  # when each changed last
        self._changes = 0
        self._secrets: dict[Ref, tuple[Json, _Case, tuple[Ref, ...]]] = {}
        self.rounds = 0  # refusals so far

    @property
    def searching(self) -> bool:
        """Whether rules are held back that may be innocent."""
        return bool(self._held)

    def observe(self, rules: Iterable[Json]) -> None:
        """Note the stored rules. A rule that changed or went is judged anew."""
        before, self._versions = self._versions, {}
        for raw in rules:
            uid = raw["metadata"].get("uid", "")
            known = before.get(uid, ())
            if not known or known[-1] is not raw:
                known = self._changed(raw, known)
            self._versions[uid] = known
        if self._guilty or self._held:
            current = {origin_of(known[-1]) for known in self._versions.values()}
            older = {origin_of(raw) for known in self._versions.values() for raw in known}
            self._held = {o: None for o in self._held if o in current}
            self._guilty = {o: case for o, case in self._guilty.items() if o in older}

    def _changed(self, raw: Json, known: tuple[Json, ...]) -> tuple[Json, ...]:
        origin = origin_of(raw)
        if known and origin_of(known[-1]) == origin:
            return *known[:-1], raw
        self._changes += 1
        self._order[origin.ref] = self._changes
        if not known and (text := _refused_before(raw)):
            self._guilty[origin] = _Case("", "", told=text)
            known = _last_good(raw)
        return *known[1 - _VERSIONS :], raw

    def refused(
        self, origins: Sequence[Origin], suspects: Sequence[Origin], *, pod: str, what: str, reason: str
    ) -> bool:
        """A pod's Envoy refused a resource; whether something is to be told or built anew."""
        explained = [o for o in origins if o in self._guilty]
        for origin in explained:
            self._guilty[origin].pods[pod] = None
        if explained or any(o in self._held for o in origins):
            return bool(explained)
        if not origins:
            return False
        self.rounds += 1
        blamed = sorted(suspects or origins, key=lambda o: self._order.get(o.ref, 0))
        movable = [o for o in blamed if self._stand_in(o) is not None or o.ref.kind in LEFT_OUT]
        if suspects and len(blamed) > 1 and movable:
            self._held.update(dict.fromkeys(movable[len(movable) // 2 :]))
            return True
        for origin in blamed if suspects else blamed[-1:]:
            self._guilty[origin] = _Case(what, reason, {pod: None})
        return True

    def refused_secret(self, secret: Json, gateways: Iterable[Ref], *, pod: str, reason: str) -> bool:
        """A pod's Envoy refused a Gateway's credential; it holds until the Secret changes."""
        ref = ref_of(secret)
        known = self._secrets.get(ref)
        case = known[1] if known is not None and known[0] is secret else _Case(f"Secret {ref.name}", reason)
        case.pods[pod] = None
        self._secrets[ref] = (secret, case, tuple(gateways))
        return True

    def let_back(self) -> bool:
        """The proxies answered: admit a part of those that wait. Whether there was one."""
        waiting = [*self._held]
        for origin in waiting[: max(1, len(waiting) // 2)]:
            del self._held[origin]
        return bool(waiting)

    def _known(self, ref: Ref) -> tuple[Json, ...]:
        return next((known for known in self._versions.values() if ref_of(known[-1]) == ref), ())

    def _stand_in(self, origin: Origin) -> Json | None:
        """The newest version before this one that was not refused."""
        older = [raw for raw in self._known(origin.ref) if origin_of(raw) != origin]
        return next((raw for raw in reversed(older) if origin_of(raw) not in self._guilty), None)

    def stand_ins(self) -> Mapping[Ref, Json | None]:
        """Rule → what is built in its place; None leaves it out."""
        found: dict[Ref, Json | None] = {}
        for origin in (*self._guilty, *self._held):
            known = self._known(origin.ref)
            if not known or origin_of(known[-1]) != origin:
                continue
            made = self._stand_in(origin)
            if made is not None or origin.ref.kind in LEFT_OUT:
                found[origin.ref] = made
        return found

    def in_force(self) -> Mapping[Ref, Json]:
        """Rule → the spec that is in force in its place."""
        guilty = {origin.ref for origin in self._guilty}
        made = self.stand_ins().items()
        return {ref: raw.get("spec") or {} for ref, raw in made if raw is not None and ref in guilty}

    def findings(self, secrets: Mapping[Ref, Json | None]) -> list[Finding]:
        """What to tell the rules. `secrets` are the stored Secrets that `watched` names."""
        return [*self._of_rules(), *self._of_secrets(secrets)]

    def _of_rules(self) -> Iterator[Finding]:
        for origin, case in self._guilty.items():
            known = self._known(origin.ref)
            if known and origin_of(known[-1]) == origin:
                instead = "the proxies keep what they have"
                if self._stand_in(origin) is not None:
                    instead = "its last good version stays in force"
                elif origin.ref.kind in LEFT_OUT:
                    instead = "it is left out"
                yield Finding(origin.ref, REFUSED, case.message(origin.ref.namespace, instead))

    def _of_secrets(self, secrets: Mapping[Ref, Json | None]) -> Iterator[Finding]:
        for ref, (secret, case, gateways) in list(self._secrets.items()):
            if secrets.get(ref) is not secret:
                del self._secrets[ref]
                continue
            text = case.message(ref.namespace, "the proxies keep what they have")
            yield from (Finding(gateway, REFUSED, text) for gateway in gateways)

    @property
    def watched(self) -> tuple[Ref, ...]:
        """The Secrets that were refused."""
        return tuple(self._secrets)


def shortened(reason: str) -> str:
    """Envoy's words on one line. Of long ones the middle goes: the cause comes last."""
    line = " ".join(reason.split())
    half = _REASON_CHARS // 2
    return line if len(line) <= _REASON_CHARS else f"{line[:half]} … {line[-half:]}"


def _refused_before(raw: Json) -> str:
    """What a control plane before this one told about the rule as it stands."""
    row = condition(raw, CONDITION)
    if row is None or row.get("status") != "False" or row.get("reason") != REFUSED:
        return ""
    same = row.get("observedGeneration") == raw["metadata"].get("generation")
    return str(row.get("message") or REFUSED) if same else ""


def _last_good(raw: Json) -> tuple[Json, ...]:
    """The version that a control plane before this one kept in force."""
    spec = (raw.get("status") or {}).get(LAST_GOOD)
    meta = raw["metadata"]
    return ({**raw, "metadata": {**meta, "generation": 0}, "spec": spec},) if spec else ()
