"""Admission by programs of users' own: webhooks and policies."""
