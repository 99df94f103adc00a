"""messaging.knative.dev InMemoryChannel: a host of imc-dispatcher."""
