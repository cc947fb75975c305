"""What of a claim no imagery shows: people, deaths, intent, names, and what a thing that is seen is used for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from camwatch.judge.words import OBJECTS

if TYPE_CHECKING:
    from camwatch.claims.model import Reading

NEVER: dict[str, str] = {
    "population": "people cannot be counted from above, nor can it be seen who they are or what became of them",
    "capacity": "how many people a building holds cannot be seen from above",
    "ratio": "people cannot be counted from above, and a ratio of them no better",
    "method": "it is a statement about imagery, not about the ground",
    "provenance": "it is a statement about a publication, not about the ground",
}
"""Why claims of a metric are never testable from imagery, whatever a ledger says."""

UNSEEN_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"\belectri(c|cal|fied) (fenc\w+|wires?|lines?|barriers?)|\belectrified\b|\blive wires?\b",
        "whether a wire carries current cannot be seen from above",
    ),
    (r"\b(prisoners?|inmates?|detainees?|guards|people|population|staff)\b", NEVER["population"]),
    (
        r"\b(die[sd]?|dying|dead|deaths?|kill(s|ed|ings?)?|execut(e[sd]?|ions?)|perish(ed)?|starv(ed?|ation)|buried|graves?|graveyards?)\b",
        "deaths cannot be seen from above, and graves are not searched for",
    ),
    (
        r"\bin order to\b|\bintend(s|ed)?\b|\bintent(ions?)?\b|\bdeters?\b|\bdeliberate(ly)?\b|\bto (punish|hide)\b",
        "what was meant by it cannot be seen from above",
    ),
    (r"\b(named|called)\b", "names cannot be seen from above"),
)
"""What the words of a reading of presence, layout, land cover or date speak of that no imagery shows, and why."""

WHAT_IS_SEEN = r"\b(building|structure|house|hut|roof|tower|post)s?\b"
"""Words for buildings and towers as such; any other word for them (a factory, a pen, a school) says what they are used for."""

USED_AS = (
    r"\b(prisons?|cells?|cell blocks?|prison blocks?|barracks?|dormitor(y|ies)|housing|quarters|factor(y|ies)|workshops?|mills?|pens?|"
    r"stables?|barns?|schools?|hospitals?|clinics?|kitchens?|offices?|warehouses?|stores?|garages?|laborator(y|ies)|interrogation|detention)\b"
)
"""Words that say what counted buildings are used for."""

WHERE_AND_WHAT_FOR = r"\b(inside|within|in|on|at|along|behind|beside|beyond|near|around|outside|between|from|by|of|to|for|as|used)\b"
"""Where the words for a thing end, and those for its place, its time or its use begin."""

USE = "that they are there is seen, what they are used for is not"
FENCE = "an enclosing line is seen, not whether it is a fence, a wall or the strip beside one"
TERRAIN = "heights are told by an elevation model, not by images"
GROUND = "what became of the ground is seen, what it is for is not"


def never(reading: Reading) -> str:
    """Return why a reading is never testable from imagery; empty where it may be."""
    if reading.metric in NEVER:
        return NEVER[reading.metric]
    if reading.subject == "people":
        return NEVER["population"]
    if reading.metric in ("presence", "layout", "landcover", "date"):
        return next((why for pattern, why in UNSEEN_WORDS if re.search(pattern, reading.text, re.IGNORECASE)), "")
    return ""


def beyond_sight(reading: Reading) -> str:
    """Return what of a reading stays unseen though the thing itself is seen; empty where nothing does."""
    if reading.metric in ("presence", "layout") and reading.subject == "fence":
        return FENCE
    if reading.subject in ("mine", "field"):
        return GROUND
    if reading.metric in ("presence", "layout") and reading.subject in OBJECTS and reading.aspect != "net change":
        # "Pens inside the walls" are pens, and "buildings for animals" are seen as buildings only.
        thing, *rest = re.split(WHERE_AND_WHAT_FOR, reading.text, maxsplit=1, flags=re.IGNORECASE)
        if not re.search(WHAT_IS_SEEN, thing, re.IGNORECASE) or (rest and rest[0].lower() in ("for", "as", "used")):
            return USE
    if reading.subject == "structure" and re.search(USED_AS, reading.text, re.IGNORECASE):
        return USE
    return ""
