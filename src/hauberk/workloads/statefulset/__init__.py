"""StatefulSet → Pods with stable names and volumes, in order."""
