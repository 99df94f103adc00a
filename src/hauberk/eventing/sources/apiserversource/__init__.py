"""sources.knative.dev ApiServerSource: events of what changes in the API."""
