"""Files of an Integration that tests render under every profile."""

from __future__ import annotations

from pathlib import Path


def text_of(file: Path, profile: str) -> str:
    """The text with PROFILE and MESH filled in: the Knative operator wants the mesh in istio-system."""
    mesh = "istio-system" if profile == "kubernetes" else "mesh-system"
    return file.read_text().replace("PROFILE", profile).replace("MESH", mesh)
