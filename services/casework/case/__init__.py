"""The rules of a case, pure: `decide` turns a statement into facts or a refusal, `evolve` turns facts into the case."""

from services.casework.case.decisions import AnyStatement, decide
from services.casework.case.evolution import BrokenHistory, evolve
from services.casework.case.refusal import Decision, Refusal
from services.casework.case.state import Case

__all__ = ["AnyStatement", "BrokenHistory", "Case", "Decision", "Refusal", "decide", "evolve"]
