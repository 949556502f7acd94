"""What each service is given and what it gives back: the parts of one process, without which service they are for."""

from services.runtime.observing import Telemetry, correlated
from services.runtime.parts import Door, Parts, Publish, Service
from services.runtime.settings import Settings, SettingsError

__all__ = ["Door", "Parts", "Publish", "Service", "Settings", "SettingsError", "Telemetry", "correlated"]
