"""Doubles behind the ports, for tests of every room. Real behaviour, no sockets, no files."""
