"""Training of the perceptron that knows a piece of an enclosing line by its profile."""
