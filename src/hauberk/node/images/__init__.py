"""Images: the built-in table, app directories with a Procfile, OCI archives."""

from hauberk.node.images.model import ImageProblem, Mount, ResolvedImage
from hauberk.node.images.oci import load, pull
from hauberk.node.images.store import Row, add, ls, resolve, rm

__all__ = ["ImageProblem", "Mount", "ResolvedImage", "Row", "add", "load", "ls", "pull", "resolve", "rm"]
