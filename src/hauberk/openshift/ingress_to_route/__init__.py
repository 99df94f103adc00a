"""Kubernetes Ingress → OpenShift Routes."""
