"""flows.knative.dev Parallel: every event to all branches."""
