"""The activator's decisions: which held request goes to which pod, and when.

`Activator.hold` is what `xds` asks for every request to a revision without spare capacity.
"""

from __future__ import annotations

from hauberk.serving.activator.activator import Activator

__all__ = ["Activator"]
