"""Sidecar injection: which pods get one, and what is put into them. Pure; runs as mutating admission."""
