"""The places where a house rule does not hold, each with its reason; the list may only shrink without being asked.

A key is the rule's name and the path. An entry that is no longer needed fails the tests too.
"""

EXCEPTIONS: dict[tuple[str, str], str] = {}
