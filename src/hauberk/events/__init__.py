"""CloudEvents, their filters, and decisions about their delivery. Pure: no I/O, no Kubernetes."""
