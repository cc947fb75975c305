"""Registration: how a moving image lies on a reference image, with an independent check, or a refusal."""

from camwatch.registration.estimate import register
from camwatch.registration.record import CheckPoints, Registration

__all__ = ["CheckPoints", "Registration", "register"]
