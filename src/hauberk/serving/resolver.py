"""Asking which digest an image has: a slow question, whose answer is a fact that wakes the Revision.

A `Resolve` answers from what it knows. It returns None when it has to ask first, and whoever learns the
answer wakes the Revisions that use the image (`Engine.wake`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Digest:
    """The image by its digest, such as `quay.io/a/b@sha256:…`; empty when its tag is used as it is."""

    image: str


@dataclass(frozen=True, slots=True)
class Unresolvable:
    """The image cannot be had."""

    message: str


Resolve: TypeAlias = Callable[[str], "Digest | Unresolvable | None"]


def use_tags(image: str) -> Digest:  # noqa: ARG001 - a Resolve
    """Every image runs by the tag it has: what a cluster does whose registries skip tag resolving."""
    return Digest("")
