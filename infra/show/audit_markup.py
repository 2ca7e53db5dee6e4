"""Elements of a page: built as a tree, so that whatever comes from data is escaped."""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, tostring

from evenscreen.infra.show.audit_words import plain

Node = Element | str | None


def tag(name: str, /, *children: Node, **attributes: str | float | None) -> Element:
    """One element; None is left out. `class_` is written class, `stroke_width` stroke-width."""
    element = Element(name)
    for key, value in attributes.items():
        if value is not None:
            written = f"{round(value, 2):g}" if isinstance(value, float) else plain(value)
            element.set(key.rstrip("_").replace("_", "-"), written)
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            element.append(child)
            last = child
        elif child is not None and last is None:
            element.text = (element.text or "") + plain(child)
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + plain(child)
    return element


def rendered(root: Element) -> str:
    """The document as HTML text."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def stylesheet(text: str) -> Element:
    """Rules of ours, which need no cleaning."""
    element = Element("style")
    element.text = text
    return element


def prose(name: str, text: str) -> Element:
    """Text in which `backticks` mark what is typed or printed."""
    return tag(
        name, *(tag("code", part) if place % 2 else part for place, part in enumerate(text.split("`")))
    )


def section(title: str, identity: str, *children: Node) -> Element:
    return tag("section", tag("h2", title, id=identity), *children, aria_labelledby=identity)


def figure(drawing: Element, caption: str | None = None) -> Element:
    return tag("figure", drawing, prose("figcaption", caption) if caption else None)


def table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Node]],
    *,
    words: Sequence[int] = (),
    class_: str | None = None,
) -> Element:
    """A table whose first column heads its rows; columns are numbers but for those in `words`.

    It may be wider than a narrow screen: then it scrolls by itself, by keyboard too. Without rows it says so.
    """
    head = tag(
        "tr", *(tag("th", text, scope="col", class_=_word(place, words)) for place, text in _placed(headings))
    )
    body = [
        tag(
            "tr",
            *(
                tag("th", cell, scope="row") if place == 0 else tag("td", cell, class_=_word(place, words))
                for place, cell in _placed(row)
            ),
        )
        for row in (*rows,) or (("none", *["–"] * (len(headings) - 1)),)
    ]
    found = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_=class_)
    return tag("div", found, class_="wide", role="region", aria_label=caption, tabindex="0")


def details(summary: str, *children: Node) -> Element:
    """Closed at first, and not on paper."""
    return tag("details", tag("summary", summary), *children)


def items(lines: Iterable[str]) -> Element | None:
    """A list, or nothing for nothing."""
    found = [prose("li", line) for line in lines]
    return tag("ul", *found) if found else None


def _placed(cells: Sequence[Node]) -> Iterable[tuple[int, Node]]:
    return enumerate(cells)


def _word(place: int, words: Sequence[int]) -> str | None:
    return "word" if place in words else None
