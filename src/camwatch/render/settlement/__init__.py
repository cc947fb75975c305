"""Labelled pairs of invented settlements: what a detector of buildings learns from and is measured on, without a pixel of anyone's imagery."""

from camwatch.render.settlement.pairs import LabelledPair, Recipe, labelled_pair

__all__ = ["LabelledPair", "Recipe", "labelled_pair"]
