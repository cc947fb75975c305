"""The model of buildings and of their change: rendered pairs, network, training, export."""
