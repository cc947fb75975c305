"""A small network that tells what each pixel is at both dates, and which buildings came and went."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 6
WIDTHS = (32, 64, 128, 192)
"""Channels at a half, a quarter, an eighth and a sixteenth of the resolution; multiples of 32 suit matrix units."""


def _step(into: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    # Leaky: plain rectifiers of the change head collapsed in trials.
    return nn.Sequential(nn.Conv2d(into, out, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.1, inplace=True))


class Network(nn.Module):
    """An encoder and decoder shared by both dates, and a head on both dates' features that is symmetric: exchanged dates exchange the answers.

    Input (n, 3, y, x) normalised as in docs/models.md, sides multiples of 16. Features have half the resolution; the heads give four values each.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.down = nn.ModuleList(
            [
                nn.Sequential(_step(3, a, 2), _step(a, a)),
                nn.Sequential(_step(a, b, 2), _step(b, b)),
                nn.Sequential(_step(b, c, 2), _step(c, c)),
                nn.Sequential(_step(c, d, 2), _step(d, d, dilation=2), _step(d, d, dilation=4)),
            ]
        )
        self.up = nn.ModuleList([_step(d + c, c), _step(c + b, b), _step(b + a, a)])
        self.classes = nn.Conv2d(a, CLASSES * 4, 1)
        self.change = nn.Sequential(_step(3 * a, a), _step(a, a), nn.Conv2d(a, 4, 1))

    def features(self, image: Tensor) -> Tensor:
        """Return (n, 32, y / 2, x / 2)."""
        levels = []
        for block in self.down:
            image = block(image)
            levels.append(image)
        out = levels.pop()
        for block in self.up:
            skip = levels.pop()
            out = block(torch.cat([functional.interpolate(out, size=skip.shape[-2:], mode="bilinear", align_corners=False), skip], 1))
        return out

    def classify(self, features: Tensor) -> Tensor:
        """Return class logits (n, 6, y, x)."""
        return functional.pixel_shuffle(self.classes(features), 2)

    def gained(self, without: Tensor, having: Tensor) -> Tensor:
        """Return logits (n, 1, y, x) that a pixel of the second date shows a building that the first lacks."""
        return functional.pixel_shuffle(self.change(torch.cat([without, having, (having - without).abs()], 1)), 2)

    def forward(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return structure_before, structure_after, appeared, removed, each (1, 1, y, x) in 0..1."""
        first, second = self.features(before), self.features(after)
        alone = [self.classify(f).softmax(1)[:, 1:2] for f in (first, second)]
        return alone[0], alone[1], self.gained(first, second).sigmoid(), self.gained(second, first).sigmoid()
