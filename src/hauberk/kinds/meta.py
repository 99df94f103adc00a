"""What a kind is: the row from which discovery, schema, validation, columns and docs derive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json

Verb = Literal["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
ALL_VERBS: tuple[Verb, ...] = (
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
)  # fmt: skip


class Part(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """Base of every typed piece of an API object: immutable, camelCase on the wire.

    A field that is modelled *acts*. A field that upstream has and that does not act here yet
    is named in the class attribute `__inert__` (wire names); using it gives a Warning. Any
    other field is unknown and gives upstream's unknown-field Warning.

    Lists that merge by key say so: `Annotated[tuple[X, ...], merge_by("name")]`.
    A field of free-form JSON (no warnings below it) is typed `Any` or `dict[str, Any]`.
    """

    __inert__: ClassVar[tuple[str, ...]] = ()


def merge_by(*keys: str) -> Meta:
    """Marks a list as a map of its items by these keys, for apply and strategic merge."""
    return Meta(extra={"merge_by": keys})


class ObjectMeta(Part, frozen=True):
    """The metadata that typed code reads."""

    name: Annotated[str, Meta(max_length=253)] = ""
    namespace: str = ""
    uid: str = ""
    generation: Annotated[int, Meta(ge=0)] = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


T = TypeVar("T", bound=Part)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`. `path` is a JSONPath such as `.status.phase`, or a function."""

    name: str
    path: str | Callable[[Json, float], object]  # the function takes (object, now)
    type: Literal["string", "integer", "boolean", "date", "number"] = "string"
    wide: bool = False  # shown with `-o wide` only
    description: str = ""


def no_rules(_: Any) -> FieldErrors:
    """A kind without rules that span fields."""
    return iter(())


def no_update_rules(_old: Json, _new: Json) -> FieldErrors:
    """A kind whose fields may all change."""
    return iter(())


def no_advice(_: Json) -> Iterator[str]:
    """A kind whose objects need no Warning beyond unknown and inert fields."""
    return iter(())


def no_rejections(_: Json) -> FieldErrors:
    """A kind without defects that a lenient cluster forgives."""
    return iter(())


def as_is(raw: dict[str, Any]) -> dict[str, Any]:
    """No defaults."""
    return raw


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """Everything the product knows about one kind; nothing else may repeat it.

    One row serves all served versions, which differ in name only (`versions`); where upstream
    versions differ in shape the row's `model` is the storage version.
    """

    group: str  # "" for the core group
    name: str
    plural: str
    model: type[T]
    versions: tuple[str, ...] = ("v1",)  # the first is preferred and stored
    validate: Callable[[T], FieldErrors] = no_rules
    validate_update: Callable[[Json, Json], FieldErrors] = no_update_rules  # old, new: both raw
    default: Callable[[dict[str, Any]], dict[str, Any]] = as_is  # raw → raw; may mutate its argument
    advice: Callable[[Json], Iterator[str]] = no_advice  # raw → Warnings (defects, no effect)
    strict: Callable[[Json], FieldErrors] = no_rejections  # refused with `up --strict`, else Warnings
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()  # after NAME; AGE is added when there are none
    subresources: tuple[str, ...] = ("status",)  # of status, scale, log, exec, binding, eviction, token
    has_generation: bool = True  # spec changes bump metadata.generation
    builtin: bool = False  # built into Kubernetes: no CRD, strategic merge patch allowed
    verbs: tuple[Verb, ...] = ALL_VERBS
    doc: str = ""  # one sentence for `kubectl explain`; default: the model's docstring
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The kind name: `Kind` or `Kind.group`."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def api_version(self) -> str:
        """The preferred `apiVersion`."""
        version = self.versions[0]
        return f"{self.group}/{version}" if self.group else version

    @property
    def stored(self) -> Kind[T]:
        """The kind in the version that is stored."""
        return self

    @property
    def list_name(self) -> str:
        """The kind of a list of its objects."""
        return str(self.extra.get("list_kind") or f"{self.name}List")

    def at(self, version: str) -> Kind[T]:  # noqa: ARG002  versions of these kinds differ in name only
        """The kind in a served version."""
        return self

    def shown(self, obj: Json, api_version: str) -> Json:
        """A stored object in a served version."""
        return obj if obj["apiVersion"] == api_version else {**obj, "apiVersion": api_version}

    def check(self, old: Json | None, new: Json) -> FieldErrors:
        """Every broken rule. Raises msgspec.ValidationError for a value of a wrong type."""
        yield from self.validate(self.parse(new))
        if old is not None:
            yield from self.validate_update(old, new)

    def parse(self, raw: Json) -> T:
        """Read a typed view of `raw`.

        Fields the model does not name are ignored, so never write a parsed object back whole:
        apply only the fields you own.

        Raises msgspec.ValidationError, whose text ends in the field's path (`$.spec...`).
        """
        return msgspec.convert(raw, self.model)
