"""Every Kubernetes kind of the product, once."""
