# Redis and Kafka for development and tests, in the background: up, down or status
[no-exit-message]
services ACTION:
    @uv run python -m tests.services {{ ACTION }}
