"""The keeper: the small program that owns the pod network and every process in it.

It imports next to nothing of Hauberk, so that it starts quickly, stays small and is not what dies.
"""
