"""eventing.knative.dev EventPolicy: whom it lets in."""
