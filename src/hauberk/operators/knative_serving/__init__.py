"""KnativeServing: Serving's workloads, configuration, policies and ingress."""
