"""The processes that carry events: one role each, in a pod, behind its sidecar, told what to do by a contract."""
