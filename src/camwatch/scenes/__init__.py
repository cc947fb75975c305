"""Products as they were downloaded → STAC Items; nothing above this package knows a product family."""

from camwatch.scenes.catalogue import Catalogue, Unreadable, open_scene, scan

__all__ = ["Catalogue", "Unreadable", "open_scene", "scan"]
