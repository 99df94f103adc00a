"""serving.knative.dev Service: a Configuration and a Route of its name."""
