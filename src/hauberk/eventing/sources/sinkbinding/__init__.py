"""sources.knative.dev SinkBinding: tells pods where to send events."""
