"""How long Hypothesis looks: briefly and always alike by default, long with `HYPOTHESIS_PROFILE=thorough`."""

import os

from hypothesis import settings

settings.register_profile(
    "quick", max_examples=12, stateful_step_count=15, deadline=None, derandomize=True, database=None
)
settings.register_profile("thorough", max_examples=1000, stateful_step_count=50, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
