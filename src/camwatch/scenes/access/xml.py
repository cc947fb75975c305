"""Vendors' XML: parsed without ever following an entity, and read by plain tag names, whatever namespace a writer put them in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from camwatch.errors import SceneError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files

ELEMENT_LIMIT = 1_000_000
"""More than ten times what the largest metadata of any archive holds; as elements, 32 MiB of `<a>` would fill gigabytes of memory."""


def parse_xml(files: Files, name: str) -> Element:
    """Return the root element of a member; all tags without their namespaces.

    Raises
    ------
    SceneError
        When the member is damaged, unreasonably large, or declares entities.
    """
    return parse_bytes(files.read(name), files.root / name)


def parse_bytes(data: bytes, where: object) -> Element:
    """Return the root element of a document, as :func:`parse_xml` does; `where` names it in errors."""
    if data.count(b"<") > ELEMENT_LIMIT:
        raise SceneError("XML holds too many elements", where=where, expected=f"at most {ELEMENT_LIMIT}", remedy="do not trust this file")
    try:
        root: Element = ElementTree.fromstring(data)
    except DefusedXmlException as error:
        what = "XML declares entities, which metadata never needs"
        raise SceneError(what, where=where, got=type(error).__name__, remedy="do not trust this file") from error
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter two for encodings that do not exist
        raise SceneError(f"XML cannot be parsed ({error})", where=where, remedy="download the product again") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text_of(element: Element, path: str) -> str:
    """Return the text at an ElementTree path (`a/b`, `.//b`), stripped; empty where it is absent. A path finds the first of several."""
    return (element.findtext(path) or "").strip()


def number_of(element: Element, path: str, where: object) -> float | None:
    """Return the finite number at a path, None where it is absent or empty; SceneError where the text is no number."""
    text = text_of(element, path)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise _no_number(path, text, where) from error
    if not math.isfinite(value):
        raise _no_number(path, text, where)
    return value


def _no_number(path: str, text: str, where: Any) -> SceneError:
    return SceneError(f"{path.rsplit('/', 1)[-1]} in the metadata is no number", where=where, got=repr(text[:40]))
