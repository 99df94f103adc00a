"""Job → Pods that run to their end: counting, retries, indexes, policies, ends."""
