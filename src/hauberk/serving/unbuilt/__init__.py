"""Kinds that are accepted, but do nothing yet; they say so in their status."""
