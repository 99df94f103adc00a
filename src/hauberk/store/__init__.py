"""Revisioned objects on SQLite."""

from hauberk.store.store import KEPT, StorageFailed, StorageFull, Store, place_of

__all__ = ["KEPT", "StorageFailed", "StorageFull", "Store", "place_of"]
