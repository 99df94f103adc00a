"""Kubernetes' functions of CEL, as the library wants them. Import it lazily.

Values of Kubernetes' types are protobuf messages that hold their text: the library's own types
that a program can extend.

Source: apiserver pkg/cel/library (cost.go lists them all).
Deviation: `authorizer` is not there; `sum`, `min` and `max` have no static type; runtime cost is not limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from hauberk.apiserver.cel import values

# Quantities and versions share a type: at run time the library tells overloads apart by the sort of a
# value only, and every message is of one sort.
_TYPES = ("Ordered", "IP", "CIDR", "URL", "NamedFormat", "Problems")


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="kubernetes.proto", package="kubernetes", syntax="proto3")
    for name in _TYPES:
        message = file.message_type.add(name=name)
        message.field.add(
            name="text",
            number=1,
            type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = _pool()
_T = cel.Type
_CLASS = {
    name: message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"kubernetes.{name}")) for name in _TYPES
}
_ORDERED, _IP, _CIDR, _URL, _FORMAT, _PROBLEMS = (_T(f"kubernetes.{name}") for name in _TYPES)
_LIST = _T.List(_T.DYN)
_SCALARS = {
    "int": _T.INT,
    "double": _T.DOUBLE,
    "string": _T.STRING,
    "bool": _T.BOOL,
    "map": _T.Map(_T.DYN, _T.DYN),
}
Impl = Callable[..., Any]


def _message(name: str, read: Callable[[str], object]) -> Impl:
    def make(text: str) -> Any:
        read(text)
        return _CLASS[name](text=text)

    return make


def _overload(name: str, parameters: Sequence[Any], result: Any, impl: Impl, *, member: bool) -> cel.Overload:
    shape = "_".join(p.name().replace(".", "_").replace("<", "_").replace(">", "") for p in parameters)
    return cel.Overload(
        id=f"k8s_{name}_{shape}", parameters=list(parameters), return_type=result, impl=impl, is_member=member
    )


def functions() -> list[cel.FunctionDecl]:
    """Every function, with its overloads."""
    rows: dict[str, list[cel.Overload]] = {}
    for name, parameters, result, impl, member in _rows():
        rows.setdefault(name, []).append(_overload(name, parameters, result, impl, member=member))
    return [cel.FunctionDecl(name, overloads) for name, overloads in rows.items()]


Row = tuple[str, Sequence[Any], Any, Impl, bool]


def _rows() -> Iterator[Row]:
    yield from _lists()
    yield from _regex()
    yield from _quantities()
    yield from _versions()
    yield from _addresses()
    yield from _urls()
    yield from _sets()
    yield from _formats()


def _lists() -> Iterator[Row]:
    yield "isSorted", [_LIST], _T.BOOL, values.is_sorted, True
    yield "sum", [_LIST], _T.DYN, sum, True
    yield "min", [_LIST], _T.DYN, min, True
    yield "max", [_LIST], _T.DYN, max, True
    for scalar in _SCALARS.values():
        yield "indexOf", [_LIST, scalar], _T.INT, values.index_of, True
        yield "lastIndexOf", [_LIST, scalar], _T.INT, values.last_index_of, True


def _regex() -> Iterator[Row]:
    yield "find", [_T.STRING, _T.STRING], _T.STRING, lambda t, p: (values.find_all(t, p, 1) or [""])[0], True
    yield "findAll", [_T.STRING, _T.STRING], _T.List(_T.STRING), values.find_all, True
    yield "findAll", [_T.STRING, _T.STRING, _T.INT], _T.List(_T.STRING), values.find_all, True


_VERSION = "v"  # before the text of a semantic version; a quantity is kept as a plain number


def _quantity(number: Decimal) -> Any:
    return _CLASS["Ordered"](text=format(number.normalize(), "f"))


def _version(text: str) -> Any:
    values.semver(text)
    return _CLASS["Ordered"](text=f"{_VERSION}{text}")


def _number(message: Any) -> Decimal:
    return values.quantity(message.text)


def _parts(message: Any) -> Any:
    return values.semver(message.text.removeprefix(_VERSION))


def _ordered(message: Any) -> Any:
    """What two values compare by."""
    return _parts(message) if message.text.startswith(_VERSION) else _number(message)


def _plus(sign: int) -> Impl:
    def impl(a: Any, b: Any) -> Any:
        other = Decimal(b) if isinstance(b, int) else _number(b)
        return _quantity(_number(a) + sign * other)

    return impl


def _quantities() -> Iterator[Row]:
    yield "quantity", [_T.STRING], _ORDERED, lambda t: _quantity(values.quantity(t)), False
    yield "isQuantity", [_T.STRING], _T.BOOL, values.reads(values.quantity), False
    yield "isInteger", [_ORDERED], _T.BOOL, lambda q: _number(q) % 1 == 0, True
    yield "asInteger", [_ORDERED], _T.INT, _integer, True
    yield "asApproximateFloat", [_ORDERED], _T.DOUBLE, lambda q: float(_number(q)), True
    yield "sign", [_ORDERED], _T.INT, lambda q: values.compare(_number(q), 0), True
    for other in (_ORDERED, _T.INT):
        yield "add", [_ORDERED, other], _ORDERED, _plus(1), True
        yield "sub", [_ORDERED, other], _ORDERED, _plus(-1), True
    yield from _comparisons()


def _integer(message: Any) -> int:
    found = _number(message)
    if found % 1 != 0:
        raise ValueError("cannot convert value to integer")
    return int(found)


def _comparisons() -> Iterator[Row]:
    type_ = _ORDERED
    yield "isLessThan", [type_, type_], _T.BOOL, lambda a, b: _ordered(a) < _ordered(b), True
    yield "isGreaterThan", [type_, type_], _T.BOOL, lambda a, b: _ordered(a) > _ordered(b), True
    yield "compareTo", [type_, type_], _T.INT, lambda a, b: values.compare(_ordered(a), _ordered(b)), True


def _versions() -> Iterator[Row]:
    yield "semver", [_T.STRING], _ORDERED, _version, False
    yield "isSemver", [_T.STRING], _T.BOOL, values.reads(values.semver), False
    for i, name in enumerate(("major", "minor", "patch")):
        yield name, [_ORDERED], _T.INT, lambda v, i=i: _parts(v)[i], True


_ABOUT_ADDRESS: dict[str, Callable[[Any], bool]] = {
    "isUnspecified": lambda a: a.is_unspecified,
    "isLoopback": lambda a: a.is_loopback,
    "isLinkLocalMulticast": lambda a: a.is_multicast and str(a).lower().startswith(("224.0.0.", "ff02:")),
    "isLinkLocalUnicast": lambda a: a.is_link_local and not a.is_multicast,
    "isGlobalUnicast": lambda a: not (a.is_unspecified or a.is_loopback or a.is_multicast or a.is_link_local),
}


def _addresses() -> Iterator[Row]:
    yield "ip", [_T.STRING], _IP, _message("IP", values.address), False
    yield "isIP", [_T.STRING], _T.BOOL, values.reads(values.address), False
    yield "ip.isCanonical", [_T.STRING], _T.BOOL, lambda t: str(values.address(t)) == t, False
    yield "family", [_IP], _T.INT, lambda a: values.address(a.text).version, True
    for name, test in _ABOUT_ADDRESS.items():
        yield name, [_IP], _T.BOOL, lambda a, test=test: bool(test(values.address(a.text))), True
    yield "cidr", [_T.STRING], _CIDR, _message("CIDR", values.network), False
    yield "isCIDR", [_T.STRING], _T.BOOL, values.reads(values.network), False
    yield "containsIP", [_CIDR, _IP], _T.BOOL, lambda c, a: _holds(c.text, a.text), True
    yield "containsIP", [_CIDR, _T.STRING], _T.BOOL, lambda c, a: _holds(c.text, a), True
    yield "containsCIDR", [_CIDR, _CIDR], _T.BOOL, lambda c, d: _covers(c.text, d.text), True
    yield "containsCIDR", [_CIDR, _T.STRING], _T.BOOL, lambda c, d: _covers(c.text, d), True
    yield "ip", [_CIDR], _IP, lambda c: _CLASS["IP"](text=str(values.network(c.text)[0])), True
    yield "masked", [_CIDR], _CIDR, lambda c: _CLASS["CIDR"](text=str(values.network(c.text)[1])), True
    yield "prefixLength", [_CIDR], _T.INT, lambda c: values.network(c.text)[1].prefixlen, True


def _holds(network: str, address: str) -> bool:
    return values.address(address) in values.network(network)[1]


def _covers(network: str, other: str) -> bool:
    big, small = values.network(network)[1], values.network(other)[1]
    return big.version == small.version and small.subnet_of(big)  # type: ignore[arg-type]  # one version


def _urls() -> Iterator[Row]:
    yield "url", [_T.STRING], _URL, _message("URL", values.url), False
    yield "isURL", [_T.STRING], _T.BOOL, values.reads(values.url), False
    parts = {
        "getScheme": "scheme", "getHost": "host", "getHostname": "hostname", "getPort": "port",
        "getEscapedPath": "path",
    }  # fmt: skip
    for name, part in parts.items():
        yield name, [_URL], _T.STRING, lambda u, part=part: values.url(u.text)[part], True
    query = _T.Map(_T.STRING, _T.List(_T.STRING))
    yield "getQuery", [_URL], query, lambda u: values.url(u.text)["query"], True


def _sets() -> Iterator[Row]:
    yield "sets.contains", [_LIST, _LIST], _T.BOOL, values.contains, False
    yield "sets.intersects", [_LIST, _LIST], _T.BOOL, lambda a, b: any(x in a for x in b), False
    yield (
        "sets.equivalent", [_LIST, _LIST], _T.BOOL,
        lambda a, b: values.contains(a, b) and values.contains(b, a), False,
    )  # fmt: skip


def _formats() -> Iterator[Row]:
    for name in values.NAMED:
        yield f"format.{name}", [], _FORMAT, lambda name=name: _CLASS["NamedFormat"](text=name), False
    # Upstream's answer is an optional list; the library makes no optionals of a program's own.
    yield "validate", [_FORMAT, _T.STRING], _PROBLEMS, _validate, True
    yield "hasValue", [_PROBLEMS], _T.BOOL, lambda p: bool(p.text), True
    yield "value", [_PROBLEMS], _T.List(_T.STRING), lambda p: p.text.splitlines(), True
    strings = _T.List(_T.STRING)
    yield "orValue", [_PROBLEMS, strings], strings, lambda p, other: p.text.splitlines() or other, True


def _validate(named: Any, text: str) -> Any:
    return _CLASS["Problems"](text="\n".join(values.NAMED[named.text](text)))
