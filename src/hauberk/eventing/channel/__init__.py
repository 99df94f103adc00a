"""messaging.knative.dev Channel: a backing channel by a template."""
