"""Real traffic that must pass and real traffic that must not, sent through an installed integration.

`PROBES` is the matrix, `plan_of` says what is sent where, `verify` sends it and takes everything away again.
"""

from __future__ import annotations

from hauberk.integration.verify.model import PROBES, Plan, Probe, Row, Wish
from hauberk.integration.verify.plan import plan_of
from hauberk.integration.verify.run import verify

__all__ = ["PROBES", "Plan", "Probe", "Row", "Wish", "plan_of", "verify"]
