"""Configuration: Revisions, their routing state, and their garbage collection."""
