"""sources.knative.dev ContainerSource: containers that send events."""
