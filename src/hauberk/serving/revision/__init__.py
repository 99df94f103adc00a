"""Revision: Deployment, PodAutoscaler and Image."""
