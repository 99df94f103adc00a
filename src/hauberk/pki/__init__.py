"""Authorities and certificates: of mesh workloads, the API, ServiceAccount tokens, the router."""
