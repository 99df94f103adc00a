"""sinks.knative.dev JobSink: a Job for every event."""
