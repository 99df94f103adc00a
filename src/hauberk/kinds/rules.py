"""Field rules that many kinds share, in upstream's words.

The texts are those of apimachinery, so that what a user finds on the web about an error holds here.
Source: kubernetes apimachinery pkg/util/validation/validation.go and validation/field/errors.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_ENV_NAME = r"[-._a-zA-Z][-._a-zA-Z0-9]*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc'"
)
_PREFIXED = "e.g. 'example.com/MyName'"
_EMPTY = "must be non-empty"
_PORT_NAME_CHARS = re.compile(r"[-a-z0-9]+")

MAX_LABEL = 63
MAX_SUBDOMAIN = 253
MAX_PORT = 65535

Rule = Callable[[str], Iterator[str]]
"""From a value to what is wrong with it, in upstream's words."""


def shown(value: Any) -> str:
    """A value as upstream's error texts print it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        body = ", ".join(f"{json.dumps(k)}:{shown(v)}" for k, v in sorted(value.items()))
        return f"map[string]string{{{body}}}" if all(isinstance(v, str) for v in value.values()) else body
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def required(path: str, detail: str = "") -> FieldError:
    """The field must be set."""
    return FieldError(path, f"Required value{': ' if detail else ''}{detail}", "FieldValueRequired")


def invalid(path: str, value: Any, detail: str) -> FieldError:
    """The value breaks a rule."""
    return FieldError(path, f"Invalid value: {shown(value)}: {detail}", "FieldValueInvalid")


def duplicate(path: str, value: Any) -> FieldError:
    """Another item has the same key."""
    return FieldError(path, f"Duplicate value: {shown(value)}", "FieldValueDuplicate")


def not_found(path: str, value: Any) -> FieldError:
    """The value names something that the object does not have."""
    return FieldError(path, f"Not found: {shown(value)}", "FieldValueNotFound")


def forbidden(path: str, detail: str) -> FieldError:
    """The field may not be set here."""
    return FieldError(path, f"Forbidden: {detail}", "FieldValueForbidden")


def unsupported(path: str, value: Any, supported: Iterable[str]) -> FieldError:
    """The value is none of an enumeration."""
    names = ", ".join(json.dumps(s) for s in sorted(supported))
    return FieldError(
        path, f"Unsupported value: {shown(value)}: supported values: {names}", "FieldValueNotSupported"
    )


def dns_label(value: str) -> Iterator[str]:
    """RFC 1123 label."""
    yield from _too_long(value, MAX_LABEL)
    yield from _misspelt(
        value,
        _LABEL,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
        "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc'",
    )


def dns_subdomain(value: str) -> Iterator[str]:
    """RFC 1123 subdomain."""
    yield from _too_long(value, MAX_SUBDOMAIN)
    yield from _misspelt(
        value,
        _SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
        "must start and end with an alphanumeric character (e.g. 'example.com'",
    )


def dns_1035_label(value: str) -> Iterator[str]:
    """RFC 1035 label: as RFC 1123, but it starts with a letter."""
    yield from _too_long(value, MAX_LABEL)
    yield from _misspelt(
        value,
        _LABEL_1035,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'",
    )


def config_key(value: str) -> Iterator[str]:
    """A key of a ConfigMap or Secret."""
    yield from _too_long(value, MAX_SUBDOMAIN)
    yield from _misspelt(
        value,
        _CONFIG_KEY,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
        "'KEY_NAME',  or 'key-name'",
    )
    if value in (".", ".."):
        yield f"must not be '{value}'"


def env_name(value: str) -> Iterator[str]:
    """The name of an environment variable."""
    yield from _misspelt(
        value,
        _ENV_NAME,
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', "
        "and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1'",
    )


def _too_long(value: str, limit: int) -> Iterator[str]:
    if len(value) > limit:
        yield f"must be no more than {limit} characters"


def _misspelt(value: str, pattern: str, text: str) -> Iterator[str]:
    """`text` is upstream's up to the examples; the end, which names the pattern, is the same for all."""
    if not re.fullmatch(pattern, value):
        yield f"{text}, regex used for validation is '{pattern}')"


def port_name(value: str) -> Iterator[str]:
    """An IANA service name."""
    if len(value) > 15:
        yield "must be no more than 15 characters"
    if not _PORT_NAME_CHARS.fullmatch(value):
        yield "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search("[a-z]", value):
        yield "must contain at least one letter (a-z)"
    if "--" in value:
        yield "must not contain consecutive hyphens"
    if value[:1] == "-" or value[-1:] == "-":
        yield "must not begin or end with a hyphen"


def label_value(value: str) -> Iterator[str]:
    """The value of a label."""
    yield from _too_long(value, MAX_LABEL)
    yield from _misspelt(
        value,
        f"({_QUALIFIED})?",
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
        "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345'",
    )


def label_key(value: str) -> Iterator[str]:
    """A qualified name: `[prefix/]name`.

    Source: kubernetes apimachinery pkg/util/validation/validation.go, IsQualifiedName.
    """
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        for problem in _misspelt(value, _QUALIFIED, _QUALIFIED_TEXT):
            yield f"a qualified name {problem} with an optional DNS subdomain prefix and '/' ({_PREFIXED})"
        return
    if slash:
        for problem in dns_subdomain(prefix) if prefix else (_EMPTY,):
            yield f"prefix part {problem}"
    empty = () if name else (_EMPTY,)
    for problem in (*empty, *_too_long(name, MAX_LABEL), *_misspelt(name, _QUALIFIED, _QUALIFIED_TEXT)):
        yield f"name part {problem}"


def port_number(value: int) -> Iterator[str]:
    """1 … 65535."""
    if not 1 <= value <= MAX_PORT:
        yield f"must be between 1 and {MAX_PORT}, inclusive"


def check(path: str, value: Any, rule: Callable[[Any], Iterator[str]]) -> FieldErrors:
    """Each breach of `rule` as an error of the field."""
    for problem in rule(value):
        yield invalid(path, value, problem)


def check_name(name: str, rule: Rule) -> FieldErrors:
    """The object's own name; upstream's path is `metadata.name`."""
    return check("metadata.name", name, rule)


def check_labels(path: str, labels: Mapping[str, str] | None) -> FieldErrors:
    """Keys and values of a map of labels."""
    for key, value in (labels or {}).items():
        yield from check(path, key, label_key)
        yield from check(path, value, label_value)


def at_least(path: str, value: int | None, least: int = 0) -> FieldErrors:
    """Counts and seconds that may not be negative (or, with `least` 1, zero)."""
    if value is not None and value < least:
        yield invalid(path, value, f"must be greater than or equal to {least}")


def unique(prefix: str, field: str, values: Iterable[str]) -> FieldErrors:
    """Items `prefix[i].field` must differ."""
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value and value in seen:
            yield duplicate(f"{prefix}[{i}].{field}", value)
        seen.add(value)
