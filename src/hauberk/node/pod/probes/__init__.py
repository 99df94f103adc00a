"""Probes: when to ask and what the answers mean (`decide`, pure), and asking (`ask`, `http1`, `grpc_health`)."""
