"""Deployment → ReplicaSets: rollouts, scaling, revisions, status."""
