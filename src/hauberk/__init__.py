"""Hauberk: OpenShift Serverless on a strict-mTLS service mesh, from a laptop to a cluster."""

__version__ = "0.1.0"
