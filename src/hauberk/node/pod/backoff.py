"""How long a container that ended waits before it starts again. Pure.

The first restart is immediate; then 10 s, doubling to 300 s; forgotten 10 minutes after the last one.
Source: client-go util/flowcontrol/backoff.go; kubernetes pkg/kubelet/kuberuntime, doBackOff.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 10.0
MOST_S = 300.0
FORGET_S = 2 * MOST_S


@dataclass(frozen=True, slots=True)
class BackOff:
    """The delay that holds after the next failure. `since`: when it was last lengthened (epoch s)."""

    delay_s: float = 0.0
    since: float = 0.0

    def until(self, failed_at: float) -> float:
        """When to try again after a failure at that time (epoch s)."""
        if failed_at - self.since > FORGET_S:
            return failed_at
        return failed_at + self.delay_s

    def lengthened(self, failed_at: float, now: float) -> BackOff:
        """The next delay, taken when a new attempt begins."""
        if not self.delay_s or failed_at - self.since > FORGET_S:
            return BackOff(FIRST_S, now)
        return BackOff(min(self.delay_s * 2, MOST_S), now)


def spoken(seconds: float) -> str:
    """A delay as Go prints it: `10s`, `1m20s`, `5m0s`."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"
