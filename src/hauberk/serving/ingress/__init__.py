"""Internal Ingress: VirtualServices for Istio, or a status for Kourier."""
