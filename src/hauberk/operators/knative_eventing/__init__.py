"""KnativeEventing: Eventing's workloads as placeholders, its configuration and policies."""
