"""messaging.knative.dev Subscription: what it names, resolved."""
