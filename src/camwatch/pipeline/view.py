"""One scene of a pair, as it is compared: in which bands, and without clouds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camwatch.imagery import Clouds, Image, find_clouds, load, without_clouds
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    import pystac
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.through import SeenAt
    from camwatch.registration import Registration


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How one scene is looked at.

    Attributes
    ----------
    item : pystac.Item
    bands : tuple of str or None
        Bands in which the pair is compared; None = the scenes share none, and each is seen as the one plane that every sensor has, its luminance.
    clouds : Clouds or None
        Clouds that were searched for because the product has no layer that tells them; None = its own quality layers count.
    """

    item: pystac.Item
    bands: tuple[str, ...] | None
    clouds: Clouds | None = None

    def load(self, window: GeoBox, bands: tuple[str, ...] | None = None, *, seen_at: SeenAt | None = None) -> Image:
        """Load a window, in other `bands` where given; what clouds hide is not valid. `seen_at` is :func:`camwatch.imagery.load`'s."""
        image = load(self.item, window, bands=bands or self.bands, seen_at=seen_at)
        return self._clear(image, seen_at) if bands else self.compared(image, seen_at=seen_at)

    def compared(self, image: Image, *, seen_at: SeenAt | None = None) -> Image:
        """Return an image of the scene, loaded in `self.bands`, with `seen_at` where given, as the pair is compared."""
        seen = self._clear(image, seen_at)
        return seen if self.bands is not None else replace(seen, values=seen.luminance()[None].copy(), bands=("luminance",))

    def _clear(self, image: Image, seen_at: SeenAt | None) -> Image:
        return image if self.clouds is None else without_clouds(image, self.clouds, seen_at=seen_at)

    def registered(self, window: GeoBox, registration: Registration, bands: tuple[str, ...] | None = None) -> Image:
        """Load the moving scene onto a part of the reference's grid, the transform folded into the one interpolation."""
        if registration.field is not None:
            return self.load(window, bands, seen_at=registration.seen_at)
        return replace(self.load(registration.moving_geobox(window), bands), geobox=window)


def view_of(item: pystac.Item, overview: GeoBox, bands: tuple[str, ...] | None, *, search_clouds: bool) -> tuple[View, Image]:
    """Return the view of a scene, and all the ground that matters seen so; there clouds are searched for where no quality layer tells them."""
    image = load(item, overview, bands=bands)
    wanted = search_clouds and scene.cloud_mask(item) == "none"
    view = View(item, bands, find_clouds(image) if wanted else None)
    return view, view.compared(image)
