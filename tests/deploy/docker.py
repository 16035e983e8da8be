"""`python -m tests.deploy.docker`: can `docker compose` be run here? With --env, is there a .env for it?

A .env that is missing is made of .env.example, with a SECRET_KEY of its own.
"""

import argparse
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).parents[2]
INSTALL = "https://docs.docker.com/engine/install/ says how; on Debian 13: apt-get install docker.io docker-compose"


def missing() -> str | None:
    """What `docker compose` lacks, and how to come by it."""
    docker = shutil.which("docker")
    if docker is None:
        return f"The command docker is not there. {INSTALL}"
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return f"docker is there, but its command compose is not. {INSTALL}"
    answer = subprocess.run(
        [docker, "info", "--format", "{{.ServerVersion}}"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        return f"The Docker engine does not answer: {answer.stderr.strip()}"
    return None


def require_env(env: Path, example: Path) -> str | None:
    """Why `env` will not do; made first, with mode 0600, if it is not there."""
    if not env.exists():
        key = secrets.token_urlsafe(48)
        env.touch(mode=0o600)
        env.write_text(example.read_text().replace("\nSECRET_KEY=\n", f"\nSECRET_KEY={key}\n"))
        print(f"{env.name} was not there: made of {example.name}, with a SECRET_KEY of its own.")
    if not dotenv_values(env).get("SECRET_KEY"):
        return (
            f"SECRET_KEY is not set in {env.name}. Make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", action="store_true", help="make .env if it is missing")
    with_env = parser.parse_args().env
    trouble = missing() or (require_env(ROOT / ".env", ROOT / ".env.example") if with_env else None)
    if trouble:
        sys.exit(trouble)


if __name__ == "__main__":
    main()
