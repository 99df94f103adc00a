"""The node's DNS: a table, a wire codec, and the server that the keeper forks."""
