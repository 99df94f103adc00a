"""exec, attach and port-forward: an HTTP request that becomes a connection with several streams.

`websocket` and `spdy` are the two ways over the wire, `channels` is what both mean, `remote` and `forward` do
the work. Where a command runs is `hauberk.ports.Doors`'.
"""
