"""What the mesh must know of channels (the work of eventing-istio-controller)."""
