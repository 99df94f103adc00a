"""Namespaces of a mesh: the labels that say so, and the root certificate in each."""
