"""Probes: when to ask and what answers mean (`decide`, pure), and asking (`ask`, `http1`, `grpc_health`)."""
