"""serving.knative.dev DomainMapping: a host of one's own for an app."""
