"""eventing.knative.dev Broker of class MTChannelBasedBroker: a channel, and a path of broker-ingress."""
