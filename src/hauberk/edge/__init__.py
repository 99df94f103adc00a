"""The host's door: which ports it opens, and its Envoy's configuration. Binds loopback unless told."""
