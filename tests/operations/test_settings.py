"""A setting that cannot be used is said by its name before anything begins, without what is secret in it."""

import pytest

from services.runtime import Settings, SettingsError

DATABASE = "postgresql+asyncpg://spoorboek:secret@localhost/spoorboek"
WRONG = [
    ("SPOORBOEK_DATABASE_URL", ""),
    ("SPOORBOEK_DATABASE_URL", "postgresql+asyncpg://spoorboek:secret@localhost:port/spoorboek"),
    ("SPOORBOEK_DATABASE_URL", f"{DATABASE}?sslmode=require"),
    ("SPOORBOEK_KAFKA", "kafka"),
    ("SPOORBOEK_KAFKA", "kafka:port"),
    ("SPOORBOEK_KAFKA", "kafka:9092,"),
    ("SPOORBOEK_VAULT_KEY", "é"),
    ("SPOORBOEK_VAULT_KEY", "c2VjcmV0"),
    ("SPOORBOEK_SERVICE_KEY", "é"),
    ("SPOORBOEK_SERVICE_KEY", "two\nlines"),
    ("SPOORBOEK_PARTNERS", "/nowhere/at/all"),
    ("SPOORBOEK_PORT", "0"),
    ("SPOORBOEK_PORT", "65536"),
    ("SPOORBOEK_PORT", "²"),
    ("SPOORBOEK_PEERS", "intake"),
    ("SPOORBOEK_PEERS", "intake=intake:8080"),
    ("SPOORBOEK_PEERS", "intake=http://"),
    ("SPOORBOEK_PEERS", "intake=http://intake:80x0"),
    ("SPOORBOEK_LAG_SECONDS", "0"),
    ("SPOORBOEK_LAG_SECONDS", "-1"),
    ("SPOORBOEK_LAG_SECONDS", "²"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environment({"SPOORBOEK_DATABASE_URL": DATABASE, name: value})
    assert "secret" not in str(caught.value)


def test_settings_that_can_be_used() -> None:
    settings = Settings.from_environment(
        {
            "SPOORBOEK_DATABASE_URL": f"{DATABASE}?ssl=require",
            "SPOORBOEK_KAFKA": "kafka-1:9092,[::1]:9092",
            "SPOORBOEK_SERVICE_KEY": "c2VjcmV0+/=",
            "SPOORBOEK_PEERS": "intake=http://intake:8080 casework=https://casework",
            "SPOORBOEK_PORT": "9000",
        }
    )
    assert settings.kafka == "kafka-1:9092,[::1]:9092"
    assert settings.peers == {"intake": "http://intake:8080", "casework": "https://casework"}
    assert settings.port == 9000
