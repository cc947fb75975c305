"""How the weights that camwatch ships are made."""
