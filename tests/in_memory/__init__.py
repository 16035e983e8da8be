"""The outside world, kept in memory: what the use cases run on in tests.

Fakes, not mocks: `tests/contracts` hold them to the same promises as the real adapters. They keep copies, so what
is not saved stays unsaved; and wherever a real adapter would wait they let others run first, so races happen too.
"""
