"""The one node: the keeper with its namespaces, images, the pods' state machine, DNS and Service rules."""
