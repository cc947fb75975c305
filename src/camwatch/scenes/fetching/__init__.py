"""Bringing windows of remote scenes: the only part of camwatch that reaches the network."""
