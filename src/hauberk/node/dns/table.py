"""What the node's DNS answers, as data. Names are lower case and absolute, without the final dot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DnsTable:
    """Records of the cluster's zone. `srv`: name to (port, target); `ptr`: address to name."""

    a: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cname: Mapping[str, str] = field(default_factory=dict)
    srv: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    ptr: Mapping[str, str] = field(default_factory=dict)
