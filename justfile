# What can be done here. Every recipe uses the locked environment.
set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes
default:
    @just --list --unsorted

# Run the whole service in one process, with a database of its own: http://127.0.0.1:8010/docs
[no-exit-message]
up:
    @uv run --quiet order-service up

# Play an order's life against a service started for it, step by step
demo:
    @uv run --quiet order-service demo

# Run all tests
test *ARGS:
    uv run pytest {{ARGS}}

# Run the tests of the core alone: no network, no database, two seconds
test-core *ARGS:
    uv run pytest tests/domain tests/use_cases {{ARGS}}

# What CI checks before the tests: format, lint, types, layers
check:
    uv lock --check
    uv run ruff format --check .
    uv run ruff check .
    uv run mypy
    uv run lint-imports
    uv run python -m tests.house_rules

# The licences of what is used, and its known vulnerabilities: 1 if there are any, 2 if nobody could be asked
[no-exit-message]
audit:
    @uv run --quiet python -m tests.licences
    @uv audit --frozen --preview-features audit-command || { code=$?; \
        if [ $code = 2 ]; then echo "The vulnerabilities were NOT looked up: see above why." >&2; fi; exit $code; }

# Write dist/sbom.json: what a deployed service is made of, with hashes (CycloneDX)
sbom:
    @mkdir -p dist
    @uv export --quiet --frozen --no-dev --preview-features sbom-export --format cyclonedx1.5 --output-file dist/sbom.json

# Kill processes and services under a working shop, 100 times in 5,000 orders, and check what it cost
chaos *ARGS:
    @uv run --quiet python -m tests.chaos {{ARGS}}

# Measure the service against bare apps on the same machine; or one thing alone: relay, worker, lists, logins, growth, traces
[no-exit-message]
[positional-arguments]
bench *ARGS:
    @case "${1:-}" in relay|worker|lists|logins|growth|traces) alone=".$1"; shift;; *) alone="";; esac; \
        uv run --quiet python -m "tests.benchmarks$alone" "$@"

# PostgreSQL, Redis and Kafka for development and tests, in the background: up, down or status
[no-exit-message]
services ACTION:
    @uv run --quiet python -m tests.services {{ACTION}}

# The whole service in Docker containers, a role in each; behind it `ui` for pages, `observability` for Prometheus and Grafana
[no-exit-message]
compose-up *PROFILES:
    @uv run --quiet python -m tests.deploy.docker --env
    @COMPOSE_PROFILES="{{ replace(PROFILES, ' ', ',') }}" \
        docker compose --env-file .env -f deploy/compose.yaml up --build --detach --wait
    @echo "The API: http://127.0.0.1:8010/docs"

# Stop those containers; their data stays in volumes (`just compose-down --volumes` deletes it)
[no-exit-message]
compose-down *ARGS:
    @uv run --quiet python -m tests.deploy.docker
    @SECRET_KEY=unused docker compose -f deploy/compose.yaml --profile ui --profile observability down {{ARGS}}

# Check deploy/ with the tools of others: hadolint, docker compose, helm, kubernetes-validate, go (for what KEDA takes), promtool; `--skip TOOL` for one
[no-exit-message]
check-deploy *ARGS:
    @uv run --quiet --isolated --only-group deploy python -m tests.deploy.check {{ARGS}}

# Ask the running service 20,000 things that its OpenAPI document says can be asked, and some that it says cannot
schema-test *ARGS:
    @uv run --quiet python -m tests.schema {{ARGS}}

# Kill a running service at 20 random moments, and see that nothing is lost
crash-test *ARGS:
    @uv run --quiet python -m tests.crash {{ARGS}}

# Write docs/asyncapi.json anew from the code
asyncapi:
    @uv run --quiet order-service asyncapi > docs/asyncapi.json

# Write .env.example and docs/settings.md anew from the code
settings:
    @uv run --quiet order-service settings --env > .env.example.new && mv .env.example.new .env.example
    @uv run --quiet order-service settings --markdown > docs/settings.md

# See whether any order breaks an invariant; --rebuild mends rows from the event log
[no-exit-message]
consistency *ARGS:
    @uv run --quiet order-service consistency {{ARGS}}

# Bring the database's schema to the newest revision
migrate:
    uv run order-service migrate

# Write a revision with what the tables in code have new
migration NAME:
    uv run order-service migration "{{NAME}}"
