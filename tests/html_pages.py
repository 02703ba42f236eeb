"""Pages of HTML as tests look at them: whether they are well-formed, and what they would load or run."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
ACTIVE = {"script", "iframe", "object", "embed", "base", "form", "img", "image", "use", "foreignobject"}
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


class Page(HTMLParser):
    """A page, read once: its faults, its elements and their texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:] or 'nothing'}")
        if tag in self.open:
            while self.open and self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    @property
    def text(self) -> str:
        """Everything that can be read, without the style sheet."""
        return " ".join(" ".join(data for tag, data in self.texts if tag != "style").split())

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def dangers(self) -> list[str]:
        """Whatever would run, load something or leave the page."""
        found = []
        for tag, attributes in self.elements:
            if tag in ACTIVE:
                found.append(f"<{tag}>")
            for name, value in attributes.items():
                if name.startswith("on") or name in ("style", "src", "srcset", "xlink:href", "action"):
                    found.append(f"{tag}.{name}")
                if name == "href" and not value.startswith("#") and value != "data:,":
                    found.append(f"{tag}.href={value}")
        bare = re.sub(r'(aria-label|content)="[^"]*"', "", re.sub(r">[^<]*<", "><", self.source))
        outside = re.findall(r"(?:https?:)?//[^\s\"'<>)]+", bare)
        return found + [address for address in outside if address not in NAMESPACES]

    def structure(self) -> list[str]:
        """What makes a page hard to read for those who do not see it."""
        found = []
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        found += [f"the id {name!r} stands twice" for name in {name for name in ids if ids.count(name) > 1}]
        for _, attributes in self.elements:
            for name in ("aria-labelledby", "aria-describedby"):
                found += [f"no id {part!r}" for part in attributes.get(name, "").split() if part not in ids]
            target = attributes.get("href", "")
            if target.startswith("#") and target[1:] not in ids:
                found.append(f"a link to nowhere: {target}")
        levels = [int(tag[1]) for tag, _ in self.elements if re.fullmatch(r"h[1-6]", tag)]
        if levels[:1] != [1] or levels.count(1) != 1:
            found.append("not exactly one h1, at the beginning")
        found += [f"h{b} after h{a}" for a, b in itertools.pairwise(levels) if b > a + 1]
        for landmark in ("main", "header", "nav", "footer"):
            if len(self.of(landmark)) != 1:
                found.append(f"not exactly one <{landmark}>")
        named = {"aria-labelledby", "aria-label"}
        found += ["an svg without a name" for each in self.of("svg") if not named & set(each)]
        return found


def drawn_numbers(text: str) -> list[float]:
    """Every number that a drawing places something by; what is no number there raises."""
    names = "x|y|x1|x2|y1|y2|cx|cy|r|width|height|fill-opacity|viewBox|d"
    values = [value for _, value in re.findall(rf'\s({names})="([^"]*)"', text)]
    words = [word for value in values for word in re.sub(r"[MLhZ]", " ", value).split()]
    return [float(word) for word in words]
