"""PodDisruptionBudgets: how many pods may go, and evictions that ask."""
