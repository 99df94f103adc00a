"""The catalogue: every check of the doctor by its code. Codes are stable: suppressions name them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from hauberk.base.problems import Problem
from hauberk.checks.model import Check
from hauberk.checks.rows import (
    authorization,
    control_plane,
    eventing,
    gateways,
    kafka,
    membership,
    monitoring,
    reading,
    secrets,
    services,
    serving,
)

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *reading.CHECKS,
            *secrets.CHECKS,
            *membership.CHECKS,
            *control_plane.CHECKS,
            *gateways.CHECKS,
            *serving.CHECKS,
            *services.CHECKS,
            *eventing.CHECKS,
            *kafka.CHECKS,
            *authorization.CHECKS,
            *monitoring.CHECKS,
        ),
        key=lambda check: check.code,
    )
)
BY_CODE: Mapping[str, Check] = {check.code: check for check in CHECKS}
AREAS: Mapping[str, str] = {
    "HBK10": "Files and suppressions",
    "HBK11": "Certificates",
    "HBK12": "The mesh and its members",
    "HBK13": "Settings of the control plane",
    "HBK14": "Gateways",
    "HBK15": "Serving and its services",
    "HBK16": "Eventing and Kafka",
    "HBK17": "Authorization",
    "HBK18": "Metrics and network policies",
    "HBK19": "Secrets in memory",
}


def check_of(code: str) -> Check:
    """The check of a code, in any case of letters. Raises Problem."""
    found = BY_CODE.get(code.upper())
    if found is None:
        near = get_close_matches(code.upper(), BY_CODE, 4, 0.0)
        raise Problem(
            f"there is no check `{code}`",
            wanted="a code of the catalogue",
            found=f"near it: {', '.join(near)}",
            fix="hauberk doctor --list",
        )
    return found
