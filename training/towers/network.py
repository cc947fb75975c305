"""A small network that tells, on ground turned to the sun, where guard towers stand, how large they are, and what hides the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from camwatch.detect._tower_frame import PLANES

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUTS = ("tower", "side_m", "height_m", "tree", "shade")
WIDTHS = (32, 56, 96)
"""Channels at a half, a quarter and an eighth of the resolution."""


def _step(into: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    # Leaky: a plain rectifier loses the ranking of scores where it saturates.
    return nn.Sequential(nn.Conv2d(into, out, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.1, inplace=True))


class Network(nn.Module):
    """Input (n, 5, v, u), see :mod:`camwatch.detect._tower_frame`, sides multiples of 8; answers at every second pixel."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.encode_half = nn.Sequential(_step(PLANES, a, 2), _step(a, a))
        self.encode_quarter = nn.Sequential(_step(a, b, 2), _step(b, b))
        self.encode_eighth = nn.Sequential(_step(b, c, 2), _step(c, c), _step(c, c, dilation=2))
        self.from_eighth = nn.Conv2d(c, b, 1)
        self.at_quarter = _step(b, b)
        self.from_quarter = nn.Conv2d(b, a, 1)
        self.at_half = _step(a, a)
        self.head = nn.Sequential(nn.Conv2d(a, 32, 1), nn.LeakyReLU(0.1), nn.Conv2d(32, len(OUTPUTS), 1))
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():  # towers are rare, and of five metres by eight
            last.bias.copy_(torch.tensor(_START))

    def logits(self, image: Tensor) -> Tensor:
        """Return (n, 5, v / 2, u / 2): logits, and metres for the second and third."""
        half = self.encode_half(image)
        quarter = self.encode_quarter(half)
        up = self.from_eighth(self.encode_eighth(quarter))
        quarter = self.at_quarter(quarter + functional.interpolate(up, scale_factor=2.0, mode="bilinear", align_corners=False))
        up = self.from_quarter(quarter)
        out: Tensor = self.head(self.at_half(half + functional.interpolate(up, scale_factor=2.0, mode="bilinear", align_corners=False)))
        return out

    def forward(self, image: Tensor) -> Tensor:
        """Return (n, 5, v / 2, u / 2): the tower's logit, side and height in metres, shares of tree and of deep shade 0..1.

        The mean of what is said of the ground and of its mirror image across the shadows, which is as likely a place: errors of the two differ.
        """
        here, mirrored = self.logits(torch.cat([image, image.flip(2)])).chunk(2)
        raw = (here + mirrored.flip(2)) / 2
        return torch.cat([raw[:, :3], raw[:, 3:].sigmoid()], 1)


_START: Sequence[float] = (-4.0, 5.0, 8.0, -2.0, -3.0)
