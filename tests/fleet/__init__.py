"""The service as it runs in production: a process per role, around real services."""
