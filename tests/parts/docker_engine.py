"""Whether a Docker engine answers on this machine."""

from functools import cache

import docker
import docker.errors


@cache
def answers() -> bool:
    try:
        docker.from_env(timeout=5).ping()
    except (docker.errors.DockerException, OSError):
        return False
    return True
