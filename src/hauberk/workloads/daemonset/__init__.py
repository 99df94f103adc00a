"""DaemonSet → one pod on the node, replaced when the template changes."""
