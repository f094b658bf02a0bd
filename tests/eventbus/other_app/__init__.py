"""A service of its own for the consumer's tests: it says on lines of JSON what its receiver gets."""
