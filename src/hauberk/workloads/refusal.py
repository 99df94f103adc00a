"""Field errors of an admission step as the error upstream's API gives."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.apierrors import Invalid
from hauberk.base.fields import FieldError
from hauberk.base.refs import Json, ref_of


def refuse(obj: Json, errors: Iterable[FieldError]) -> None:
    """Raise Invalid when there are errors; duplicates count once."""
    found = tuple(dict.fromkeys(errors))
    if not found:
        return
    ref = ref_of(obj)
    text = str(found[0]) if len(found) == 1 else f"[{', '.join(map(str, found))}]"
    raise Invalid(f'{ref.kind} "{ref.name}" is invalid: {text}', ref=ref, causes=found)
