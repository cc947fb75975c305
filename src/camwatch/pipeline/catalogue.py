"""What lies in a folder of downloads, as `camwatch scenes scan` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from camwatch.custody import write_json
from camwatch.errors import CamwatchError
from camwatch.imagery import clear_share
from camwatch.pipeline.records import scene_row
from camwatch.scenes import item as scene
from camwatch.scenes import scan
from camwatch.scenes.families.stac import CATALOGUE_MARK
from camwatch.scenes.hashes import files_behind, hash_files, with_hashes

if TYPE_CHECKING:
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.pipeline.search import Progress
    from camwatch.scenes import Catalogue


@dataclass(frozen=True, slots=True)
class Listing:
    """The scenes of a folder with what one asks of them.

    Attributes
    ----------
    rows : tuple of dict
        One for each scene that can be read, as :func:`camwatch.pipeline.records.scene_row`; `same_as` is a file of the product that goes first where
        several show one acquisition; with an AOI, `covers` and `clear` are the shares of it that the scene shows, and shows clearly (0..1; `clear` is
        None where no layer of the product tells clouds), and `problem` says why they could not be told.
    items : tuple of pystac.Item
    unreadable : tuple of dict
        `path` and `reason`.
    """

    rows: tuple[dict[str, Any], ...]
    items: tuple[pystac.Item, ...]
    unreadable: tuple[dict[str, str], ...]

    @property
    def flawed(self) -> bool:
        """Whether something could not be read."""
        return bool(self.unreadable) or any(row.get("problem") for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {"scenes": list(self.rows), "items": [item.to_dict() for item in self.items], "unreadable": list(self.unreadable)}

    def write(self, path: Path) -> Path:
        """Write the scenes as a STAC ItemCollection; its mark keeps a later scan of the same folder from taking it for a download."""
        return write_json(path, {"type": "FeatureCollection", CATALOGUE_MARK: True, "features": [item.to_dict() for item in self.items]})


def list_scenes(folder: Path, aoi: Aoi | None, *, hashed: bool, progress: Progress) -> Listing:
    """Recognise every product under a folder; with an AOI, read the masks over it; with `hashed`, add the SHA-256 of every file to the Items.

    Raises
    ------
    MissingInputError, SceneError
        When `folder` is none.
    """
    found = scan(folder, progress=progress)
    items = found.items
    if hashed:
        sums = hash_files(files_behind(items), progress=progress)
        items = tuple(with_hashes(item, sums) for item in items)
    better = {id(other): str(scene.files_of(best)[0]) for best, *others in found.duplicates for other in others}
    rows = []
    for n, (original, item) in enumerate(zip(found.items, items, strict=True)):
        row = {**scene_row(item), "path": str(scene.files_of(item)[0]), "same_as": better.get(id(original))}
        if aoi is not None:
            progress("looking for clouds over the AOI", n, len(items))
            row |= _shares(item, aoi)
        rows.append(row)
    return Listing(tuple(rows), items, _unreadable(found))


def _shares(item: pystac.Item, aoi: Aoi) -> dict[str, Any]:
    try:
        covers, clear = clear_share(item, aoi.camp.geometry)
    except CamwatchError as error:  # a damaged file inside an intact product: told with its row
        return {"covers": None, "clear": None, "problem": str(error)}
    # Without a layer that tells clouds nobody has looked for them yet: what is covered need not be clear.
    told = None if scene.cloud_mask(item) == "none" else round(clear, 4)
    return {"covers": round(covers, 4), "clear": told, "problem": None}


def _unreadable(found: Catalogue) -> tuple[dict[str, str], ...]:
    return tuple({"path": str(one.path), "reason": one.reason.removeprefix(f"{one.path}: ")} for one in found.unreadable)
