"""The Kubernetes API server."""

from hauberk.apiserver.server import Server

__all__ = ["Server"]
