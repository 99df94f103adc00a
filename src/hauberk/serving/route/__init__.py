"""Route: the internal Ingress, and the Service that carries the app's cluster-local name."""
