"""The model of guard towers: rendered ground, network, training, calibration, export."""
