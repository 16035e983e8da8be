"""What a `kill -9` at any moment may cost: nothing that was acknowledged, and nothing twice."""
