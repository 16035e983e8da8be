"""`python -m tests.benchmarks.bare`: with the very options that the API's own process has."""

from composition.api import serve

serve("tests.benchmarks.bare.app:app")
