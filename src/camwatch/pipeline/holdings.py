"""What an analyst holds of a camp: its outline, the claims about it, and the scenes that show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from camwatch.aoi import load_aoi
from camwatch.claims import claims_of, load_ledger, places_of
from camwatch.errors import ClaimError, CoverageError
from camwatch.pipeline.records import named_apart
from camwatch.scenes import item as scene
from camwatch.scenes import scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.claims import Claim, Place
    from camwatch.scenes import Catalogue


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an analyst holds of one camp: the outline, the claims with the places that they name, the scenes that show it."""

    aoi: Aoi
    claims: tuple[Claim, ...]
    places: tuple[Place, ...]
    scenes: tuple[pystac.Item, ...]
    left_out: tuple[tuple[str, str], ...] = field(default=())


def gather(camp: str, scenes: Path, *, claims: Path | None, aoi_file: str | None) -> Holdings:
    """Load the outline and the claims, and recognise the scenes that show the camp.

    Raises
    ------
    CoverageError
        When there are no scenes, or none shows the camp.
    ClaimError
        When a ledger of one's own has no claim of this camp.
    """
    aoi = load_aoi(aoi_file) if aoi_file else load_aoi(camp)
    stated, places = _stated(aoi, claims)
    found = scan(scenes)
    if not found.items:
        first = next((f"; {u.path}: {u.reason}" for u in found.unreadable), "")
        got, remedy = f"{len(found.unreadable)} unreadable{first}", "camwatch scenes scan lists what is there"
        raise CoverageError("no scene in this folder", where=scenes, got=got, expected="downloaded products", remedy=remedy)
    showing = tuple(i for i in found.distinct if scene.footprint(i).intersects(aoi.camp.geometry))
    if not showing:
        centre = aoi.camp.geometry.centroid
        got, wanted = f"{len(found.items)} scenes elsewhere", f"scenes of {centre.y:.3f}°N {centre.x:.3f}°E"
        remedy = "check the outline (latitude and longitude swapped?) and the downloads"
        raise CoverageError("no scene shows the AOI", where=scenes, got=got, expected=wanted, remedy=remedy)
    return Holdings(aoi, stated, places, named_apart(showing), (*((str(u.path), u.reason) for u in found.unreadable), *_twins(found)))


def _twins(found: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield the products of which a better one shows the same acquisition."""
    for best, *others in found.duplicates:
        for other in others:
            level = f"{scene.calibration(best)}, mask {scene.cloud_mask(best)}"
            yield str(scene.files_of(other)[0]), f"shows the same acquisition as {best.id} ({level}), which is used"


def _stated(aoi: Aoi, file: Path | None) -> tuple[tuple[Claim, ...], tuple[Place, ...]]:
    """Return the claims about a camp, and the places of their ledgers."""
    if file is None:
        return claims_of(aoi.id), places_of(aoi.id)
    ledger = load_ledger(file, aoi=aoi)
    own = tuple(c for c in ledger.claims if c.camp == aoi.id)
    if not own:
        camps = ", ".join(sorted({c.camp for c in ledger.claims}))
        remedy = "name the AOI's id in the ledger"
        raise ClaimError("no claim of this camp", where=file, got=f"claims of {camps}", expected=f"camp: {aoi.id}", remedy=remedy)
    return own, ledger.places
