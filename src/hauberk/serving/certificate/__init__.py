"""Certificate: what external-domain-tls asks for, issued by the cluster's own authority."""
