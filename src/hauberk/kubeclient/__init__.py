"""One asynchronous client for any Kubernetes API: the embedded cluster's and a real one's.

`connect()` yields a `Kube`. Objects are raw JSON, kinds are named as everywhere
(`Gateway.networking.istio.io`), failures are `base.apierrors` or a `Problem`. lightkube is below it and is
imported on the first connection only.
"""

from __future__ import annotations

from hauberk.kubeclient.client import Kube
from hauberk.kubeclient.connect import Target, connect
from hauberk.kubeclient.discovery import Resource
from hauberk.kubeclient.faults import explained, problem_of

__all__ = ["Kube", "Resource", "Target", "connect", "explained", "problem_of"]
