"""Sends events as a pod of the cluster does, and shows those that pass through a broker or channel."""
