"""Every error and warning that camwatch raises.

::

    CamwatchError
    ├── MissingInputError (FileNotFoundError)   a path or a camp that does not exist
    ├── AoiError (ValueError)                   an outline that cannot be used
    ├── ClaimError (ValueError)                 a ledger that cannot be used
    ├── SceneError (ValueError)                 a product that cannot be read as a scene
    ├── CoverageError (ValueError)              scenes that do not show the AOI
    ├── PairError (ValueError)                  two scenes that make no before and after
    ├── ConfigError (ValueError)                a configuration or an option that makes no sense
    └── CustodyError (ValueError)               a run folder that does not agree with its manifest

    CamwatchWarning (UserWarning)
    └── NothingFoundWarning                     a search that was possible and found nothing

A message is one line: what, where, got, expected, what to do.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

LONGEST = 600
"""Characters of one part of a message; a stranger's value may be a megabyte long."""


def printable(text: object, *, longest: int = LONGEST) -> str:
    """Return text of a stranger as one line that is safe to print.

    Line breaks, terminal codes, marks that turn the direction of writing, invisible characters and what is no valid Unicode become spaces; a part
    longer than `longest` characters is cut in its middle.
    """
    line = str(text)
    if not line.isascii() or not line.isprintable():
        line = re.sub(r"\s+", " ", "".join(" " if unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029" else sign for sign in line))
    return line if len(line) <= longest else f"{line[: longest // 2]} … {line[-longest // 2 :]}"


class CamwatchError(Exception):
    """Base of all errors that a user can cause and mend.

    Parameters
    ----------
    what : str
        What is wrong, in the words of the field, without a full stop.
    where : object, optional
        The file, record or option.
    got, expected : object, optional
        The offending value and what would have been right.
    remedy : str, optional
        What the user can do about it, as an imperative.
    """

    def __init__(self, what: str, *, where: Any = None, got: Any = None, expected: Any = None, remedy: str = "") -> None:
        parts = [what if where is None else f"{where}: {what}"]
        parts += [f"got {got}"] if got is not None else []
        parts += [f"expected {expected}"] if expected is not None else []
        parts += [remedy] if remedy else []
        super().__init__("; ".join(map(printable, parts)))


class MissingInputError(CamwatchError, FileNotFoundError):
    """A path or a camp that does not exist."""

    def __str__(self) -> str:  # FileNotFoundError would print its errno form
        return str(self.args[0])


class AoiError(CamwatchError, ValueError):
    """An outline that cannot be used."""


class ClaimError(CamwatchError, ValueError):
    """A ledger that cannot be used."""


class SceneError(CamwatchError, ValueError):
    """A product that cannot be read as a scene."""


class CoverageError(CamwatchError, ValueError):
    """Scenes that do not show the AOI."""


class PairError(CamwatchError, ValueError):
    """Two scenes that make no before and after."""


class ConfigError(CamwatchError, ValueError):
    """A configuration or an option that makes no sense."""


class CustodyError(CamwatchError, ValueError):
    """A run folder that does not agree with its manifest."""


class CamwatchWarning(UserWarning):
    """Base of all warnings."""


class NothingFoundWarning(CamwatchWarning):
    """A search that was possible and found nothing."""
