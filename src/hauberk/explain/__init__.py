"""What applies to a pod, a service or a route of a live cluster, in words, and what would become of a call.

`fetch_seen` reads a cluster; the mesh's own pure model (`hauberk.mesh`) says what applies; `describe` and
`trace` put it into words. Nothing is sent to a workload and nothing is changed.
"""
