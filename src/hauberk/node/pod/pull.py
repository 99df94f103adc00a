"""Finds a container's image on this machine, or pulls it, by its pull policy.

Source: kubernetes pkg/kubelet/images/image_manager.go, EnsureImageExists.
Deviation: policy Always does not ask the registry when the image is here; a tag is what was loaded or
pulled last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hauberk.base.paths import Paths
from hauberk.node.images.model import ImageProblem, ResolvedImage
from hauberk.node.images.oci import pull
from hauberk.node.images.reference import parse_reference
from hauberk.node.images.store import resolve
from hauberk.node.images.table import PROXIES, REGISTRY, builtin


@dataclass(frozen=True, slots=True)
class Pulled:
    """An image, and whether a registry was asked for it."""

    image: ResolvedImage
    fetched: bool = False


ResolveImage = Callable[[str, str], Awaitable[Pulled]]
"""(reference, pull policy) → the image. Raises ImageProblem."""


def role_of(reference: str) -> str | None:
    """The role that an image has in its pod's Envoy, or None for an image that is a process. Pure."""
    try:
        name = parse_reference(reference)
    except ImageProblem:
        return None
    return PROXIES.get(name.path) if name.host == REGISTRY else None


def proxy_image_id(reference: str) -> str:
    """The image id of a proxy image. Pure."""
    image = builtin(parse_reference(reference).path, reference)
    return image.image_id if image is not None else ""


def resolver(paths: Paths) -> ResolveImage:
    """Resolve against the images of `paths`; what is not there is pulled unless the policy is Never."""

    async def find(reference: str, policy: str) -> Pulled:
        try:
            return Pulled(resolve(reference, paths))
        except ImageProblem as error:
            if policy == "Never" and error.reason == "ErrImagePull":
                said = f'Container image "{reference}" is not present with pull policy of Never'
                raise ImageProblem("ErrImageNeverPull", said) from None
            if error.reason != "ErrImagePull" or parse_reference(reference).host == REGISTRY:
                raise
            missing = error
        try:
            await asyncio.to_thread(pull, reference, paths)
        except ImageProblem as error:
            raise ImageProblem(error.reason, f"{error.message}. {missing.message}") from error
        return Pulled(resolve(reference, paths), fetched=True)

    return find
