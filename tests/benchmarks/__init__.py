"""What things cost. Never part of the tests: a figure on a busy machine proves nothing by itself."""
