"""The compose file says what the deployment needs and keeps the vault's key to one service."""

import pytest

from tests.deploy.compose import ROOT, SERVICES, LocalDeployment, compose, filled


def test_every_service_waits_for_the_migrations_and_is_watched() -> None:
    services = compose()["services"]
    for name in SERVICES:
        assert services[name]["command"] == ["serve", name]
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert "/health/ready" in str(services[name]["healthcheck"]["test"])
        assert services[name]["restart"] == "unless-stopped"


def test_only_intake_holds_the_key_that_opens_personal_data() -> None:
    services = compose()["services"]
    holders = [name for name, block in services.items() if "SPOORBOEK_VAULT_KEY" in block.get("environment", {})]
    assert holders == ["intake"]


def test_no_key_is_published_with_the_file() -> None:
    environment = compose()["services"]["intake"]["environment"]
    for name in ("SPOORBOEK_VAULT_KEY", "SPOORBOEK_SERVICE_KEY"):
        with pytest.raises(LookupError, match=f"{name}: make one"):
            filled(environment[name], {})


def test_what_is_kept_is_kept_in_a_named_volume() -> None:
    file = compose()
    assert set(file["volumes"]) == {"postgres", "kafka"}
    assert [mount.split(":")[0] for mount in file["services"]["postgres"]["volumes"]] == ["postgres"]
    assert [mount.split(":")[0] for mount in file["services"]["kafka"]["volumes"]] == ["kafka"]


def test_the_image_holds_every_folder_the_commands_read() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {"schemas", "eventlog", "services", "deploy/migrations", "requirements.txt", "pyproject.toml"} <= set(kept)
    assert all((ROOT / path).exists() for path in kept)


def test_beside_docker_the_same_settings_name_this_machine() -> None:
    variables = {"SPOORBOEK_VAULT_KEY": "key", "SPOORBOEK_SERVICE_KEY": "key"}
    deployment = LocalDeployment("postgresql+asyncpg://here", "127.0.0.1:1", variables, ROOT)
    environment = deployment.environment("intake")
    assert environment["SPOORBOEK_PARTNERS"] == str(ROOT / "services/demonstration/partners")
    assert environment["SPOORBOEK_PROGRAMMES"] == str(ROOT / "schemas/programmes")
    assert f"casework={deployment.address('casework')}" in environment["SPOORBOEK_PEERS"]
    assert not [value for value in environment.values() if "postgres:5432" in value or "kafka:9092" in value]
