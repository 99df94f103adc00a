"""Knative's internal Ingress to OpenShift Routes, in the namespace of the gateway."""
