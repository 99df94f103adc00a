"""eventing.knative.dev EventType: whether what it refers to exists."""
