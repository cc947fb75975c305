"""Numbers in a stranger's text."""

from __future__ import annotations

import math


def finite(text: str) -> float | None:
    """Return the finite number that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
