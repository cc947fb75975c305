"""The model of buildings: a network in an ONNX file, the shipped one or a user's own, asked about a pair of images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.detect._model_file import calibration_knots, metres, open_session, read_properties
from camwatch.detect._model_pixels import working_gsd, working_pair
from camwatch.detect._model_tiles import predict
from camwatch.resources import model_bytes, shipped_model, state_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.imagery.image import Image


@dataclass(frozen=True, slots=True, eq=False)
class Likelihoods:
    """What a model says of a pair; each plane (y, x) float32 in 0..1, NaN where a date that it is about is not valid.

    Attributes
    ----------
    structure_before, structure_after
        How much a pixel looks like part of a building at that date.
    appeared, removed
        How much it looks like part of a building that is new, or gone.
    geobox : GeoBox
        The working pixels: the grid of the images from the same corner on, with pixels of a size that suits the model.
    """

    structure_before: NDArray[np.float32]
    structure_after: NDArray[np.float32]
    appeared: NDArray[np.float32]
    removed: NDArray[np.float32]
    geobox: GeoBox

    @property
    def pixel_m(self) -> float:
        """Side of a working pixel in metres."""
        return float(abs(self.geobox.affine.determinant) ** 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network that tells buildings, and new and razed ones, in a pair of images.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    name : str
        Of the file.
    sha256 : str
        Of its bytes.
    pixel_m : float
        Pixels that it wants, in metres; finer images are averaged to them.
    coarsest_m : float
        Coarsest ground sample distance that it was trained for.
    calibration : tuple of (raw score, probability)
        Empty where none is stated.
    trained_on, version : str
        In its maker's words.
    """

    session: Any
    name: str
    sha256: str
    pixel_m: float
    coarsest_m: float
    calibration: tuple[tuple[float, float], ...]
    trained_on: str
    version: str

    def covers(self, before: Image, after: Image) -> bool:
        """Whether the model was trained for pixels as coarse as these."""
        return working_gsd(before, after) <= self.coarsest_m * (1 + 1e-6)

    def likelihood(self, before: Image, after: Image, *, views: int = 1, half: float = 0.0) -> Likelihoods:
        """Ask the model about a pair.

        Parameters
        ----------
        before, after : Image
            On one GeoBox with a metric CRS; any bands, reflectance or digital numbers. Brightness and contrast are taken out by the statistics of
            each image as given: a window of a scene has its own.
        views : {1, 2, 4, 8}
            Turned and mirrored views whose answers are averaged; the cost grows with them.
        half : float, 0..1
            Weight of the answer at half the resolution, which sees large roofs whole; a quarter more cost.

        Returns
        -------
        Likelihoods
            The same, bit for bit, for any number of threads; processors with other vector units may differ in the last bits.

        Raises
        ------
        ValueError
            Other grids, an image coarser than the model covers, or other views.
        """
        if not self.covers(before, after):
            raise ValueError(f"images: got a ground sample distance of {working_gsd(before, after):g} m; expected at most {self.coarsest_m:g} m")
        pair = working_pair(before, after, self.pixel_m)
        planes = predict(self.session, pair.shown, views=views, half=half)
        earlier, later = pair.valid
        both = earlier & later
        first, second, new, gone = (
            np.where(seen, plane, np.float32(np.nan)) for plane, seen in zip(planes, (earlier, later, both, both), strict=True)
        )
        return Likelihoods(first, second, new, gone, pair.geobox)

    def probability(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return raw scores as probabilities, linear between the stated knots; as they are where none are stated."""
        scores = np.asarray(raw, np.float64)
        return np.interp(scores, *np.transpose(self.calibration)) if self.calibration else scores


def load_model(path: Path | None = None) -> Model | None:
    """Return the model of an ONNX file, opened once as long as the file stays as it is.

    Parameters
    ----------
    path : Path or None
        None = the shipped weights.

    Returns
    -------
    Model or None
        None only where the shipped weights are asked for and this copy of camwatch has none: then the training-free search serves.

    Raises
    ------
    MissingInputError
        No such file.
    ConfigError
        A file that is no model of the documented signature; the message says what it has instead.
    """
    file = path or shipped_model()
    return None if file is None else _opened(file, state_of(file))


@lru_cache(maxsize=2)
def _opened(path: Path, _state: tuple[int, ...] | None) -> Model:
    content = model_bytes(path)
    session = open_session(path, content)
    properties = read_properties(path, session)
    return Model(
        session=session,
        name=path.name,
        sha256=sha256(content).hexdigest(),
        pixel_m=metres(path, properties, "pixel_m"),
        coarsest_m=metres(path, properties, "coarsest_m"),
        calibration=calibration_knots(path, properties),
        trained_on=properties.get("trained_on", ""),
        version=properties.get("version", ""),
    )
