"""Kinds of users' own: what a CustomResourceDefinition makes of the API."""
