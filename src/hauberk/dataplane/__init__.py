"""The processes that carry events: each a role in a pod behind its sidecar, told what to do by a contract."""
