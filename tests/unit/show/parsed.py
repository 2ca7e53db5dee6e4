"""A page as its readers' programs see it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "br", "link", "img", "input", "hr")


@dataclass
class Node:
    """An element: its name, attributes, the text directly in it, and what is inside."""

    name: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)

    def all(self, name: str) -> list["Node"]:
        inside = [found for child in self.children for found in child.all(name)]
        return ([self] if self.name == name else []) + inside

    @property
    def text(self) -> str:
        return " ".join([*self.pieces, *(child.text for child in self.children)])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"{tag} closes what it did not open"

    def handle_data(self, data: str) -> None:
        self.open[-1].pieces.append(data)


def parse(html: str) -> Node:
    """The tree; fails unless every element is closed in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert [one.name for one in reader.open] == ["page"]
    return reader.open[0]
