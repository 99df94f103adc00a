"""eventing.knative.dev Trigger: a Subscription of its broker's channel, through broker-filter."""
