"""KnativeEventing: Eventing's workloads, its configuration and policies."""
