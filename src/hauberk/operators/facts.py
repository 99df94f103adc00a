"""What the operators must be told, because no API object says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Things that stay the same while the control plane runs."""

    mesh_roots: str  # PEM bundle of the mesh CA: what `istio-ca-root-cert` holds
