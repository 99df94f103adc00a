"""One pod on this node: what it should be doing (pure), and the worker that does it."""
