"""Casework as its process sees it: one reader of the gate, and nothing to ask over HTTP yet."""

from fastapi import APIRouter

from services.casework.reactions import Casework
from services.runtime import Parts, Service


def build(parts: Parts) -> Service:
    return Service(name="casework", router=APIRouter(), readers=(Casework(parts.ledger, parts.programmes),))
