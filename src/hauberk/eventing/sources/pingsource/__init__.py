"""sources.knative.dev PingSource: events by the clock."""
