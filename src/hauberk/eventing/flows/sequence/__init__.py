"""flows.knative.dev Sequence: subscribers one after the other."""
