"""Reports: what is data stays data, in HTML, Markdown and JSON, however hostile it is."""

from __future__ import annotations

import json
import math
import re

import pytest

from html_pages import Page, drawn_numbers
from modelwright.evaluation.report import (
    Bars,
    Block,
    Code,
    Curves,
    Dots,
    Fact,
    Facts,
    Figure,
    Heading,
    Heat,
    Histogram,
    Item,
    Items,
    Paragraph,
    ReportData,
    Section,
    Series,
    Spark,
    Table,
    report_html,
    report_markdown,
    shortened,
    svg,
    table_behind,
)
from modelwright.evaluation.report.axes import axis_over, nice_ticks

INF, NAN = math.inf, math.nan

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></svg><b>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;already&gt; & <!-- not -->",
    "javascript:alert(1)",
    "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "line\nbreak\ttab\x00\x1b[31m",
    "\ud800 lone surrogate",
    "| pipe ` tick * star _ [x](http://evil.example)",
    "n" * 5_000,
    "",
)


def report_of(*blocks: Block) -> ReportData:
    return ReportData("Title", "Subtitle", (Section("part", "Part", blocks),), "modelwright 0")


def figures(name: str = "plain") -> list[Figure]:
    """One figure of every kind, with values that are hard to draw."""
    line = (0.0, 0.5, 1.0, NAN, INF, 1e300)
    return [
        Curves(name, name, name, name, (Series(name, line, line[::-1]), Series("b", (0.0,), (1.0,)))),
        Curves("log", "", "x", "y", (Series("a", (1e-9, 1.0, 1e9), (-1.0, 0.0, 5.0)),), "log", "log"),
        Curves("band", "", "x", "y", (Series("a", (0.0, 1.0), (0.1, 0.2), (0.0, NAN), (0.3, 0.4)),)),
        Curves("steps", "", "x", "y", (Series("a", (0.0, 1.0, 2.0), (0.0, 1.0, 3.0), style="step"),)),
        Curves("none", "", "x", "y", ()),
        Curves("many", "", "x", "y", tuple(Series(f"s{n}", (0.0, 1.0), (0.0, float(n))) for n in range(9))),
        Bars(name, name, name, name, (name, "b", "c"), (1.0, None, -3.0), (0.5, None, -4.0), (2, None, NAN)),
        Bars("empty", "", "n", "v", (), ()),
        Bars("huge", "", "n", "v", tuple(f"c{n}" for n in range(200)), tuple(1e308 for _ in range(200))),
        Dots(name, name, name, name, (name, "b"), (1.0, 2.0), (NAN, 1.0), (INF, 3.0), 1.5, name),
        Dots("log", "", "n", "v", ("a", "b"), (0.0, 5.0), scale="log"),
        Heat(name, name, name, name, (name, "b"), (name, "d"), ((1.0, None), (NAN, 1e12))),
        Heat("empty", "", "r", "c", (), (), ()),
        Heat("rows", "", "r", "c", ("a", "b"), (name, "d"), ((1.0, 3.0), (0.0, 0.0)), by_row=True),
        Heat("many", "", "r", "c", ("a",), tuple(f"class {n}" for n in range(31)), ((1.0,) * 31,)),
        Histogram(name, name, name, name, (0.0, 1.0, 1.0, 2.0), (3.0, 0.0, INF)),
        Histogram("point", "", "x", "y", (5.0, 5.0), (1.0,)),
    ]


def everything(name: str) -> ReportData:
    rows = ((name, 1.5, Spark((1.0, NAN), name)), (None, None, None))
    table = Table(name, (name, "number", "spark"), rows, name)
    blocks: list[Block] = [
        Heading(name),
        Paragraph(name),
        *(Paragraph(name, tone) for tone in ("good", "risk", "missing", "note")),
        Code(name),
        Items((Item(name, name, "part"), Item(name, "", "nowhere")), name, "risk"),
        Items((Item(name),)),
        Facts((Fact(name, name, name), Fact("score", "0.9")), name),
        table,
        Table.bounded(name, (name,), [(name,)], folded=True),
        *figures(name),
    ]
    return ReportData(name, name, (Section("part", name, tuple(blocks)),), name)


@pytest.mark.parametrize("name", ["plain", *HOSTILE], ids=range(1 + len(HOSTILE)))
def test_a_page_is_well_formed_and_holds_no_code(name: str) -> None:
    page = Page(report_html(everything(name)))
    assert page.faults == []
    assert page.dangers() == []
    assert page.structure() == []


def test_a_danger_would_be_seen() -> None:
    bad = "<p onclick='x'><script>1</script><a href='https://example.org'>a</a><b></p>"
    page = Page(bad)
    assert {"p.onclick", "<script>", "a.href=https://example.org"} <= set(page.dangers())
    assert page.faults
    assert page.structure()


def test_names_are_shown_as_they_are() -> None:
    page = Page(report_html(everything('<b>5 > 4 & "x"</b>')))
    assert '<b>5 > 4 & "x"</b>' in page.text


def test_templates_are_not_filled_by_data() -> None:
    assert "{{ 7 * 7 }}{% raw %}" in Page(report_html(everything("{{ 7 * 7 }}{% raw %}"))).text


def test_what_turns_the_direction_of_text_is_written_out() -> None:
    source = report_html(everything("a\u202eb"))
    assert "\u202e" not in source
    assert "a\\u202eb" in source


def test_the_policy_allows_the_style_sheet_and_nothing_else() -> None:
    import base64
    import hashlib

    page = Page(report_html(report_of(Paragraph("x"))))
    metas = {each.get("http-equiv"): each["content"] for each in page.of("meta") if "content" in each}
    policy = metas["Content-Security-Policy"]
    style = "".join(text for tag, text in page.texts if tag == "style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_both_themes_have_enough_contrast() -> None:
    """WCAG 2.2: 4.5 for text, 3 for what is drawn."""
    style = "".join(text for tag, text in Page(report_html(report_of())).texts if tag == "style")
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", theme))
        for ground in ("page", "panel"):
            for name in ("text", "soft", "link", "good", "risk", "lost"):
                assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground, colours)
            for name in ("s0", "s1", "s2", "s3", "s4", "s5", "ref"):
                assert _contrast(colours[name], colours[ground]) >= 3, (name, ground, colours)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("place", range(len(figures())))
def test_every_number_of_a_drawing_is_finite(place: int) -> None:
    drawn = svg(figures()[place], "f")
    page = Page(drawn)
    assert page.faults == []
    attributes = re.sub(r">[^<]*<", "><", drawn)
    assert not re.search(r"\b(nan|inf)\b", attributes, re.IGNORECASE)
    numbers = drawn_numbers(attributes)
    assert all(math.isfinite(number) and abs(number) < 20_000 for number in numbers)
    assert [each for each in page.of("title") if each] == [{"id": "f-t"}]  # the others are of single marks
    assert len(page.of("desc")) == 1


def test_a_curve_with_a_gap_is_two_lines() -> None:
    gap = Curves("", "", "x", "y", (Series("a", (0.0, 1.0, 2.0, 3.0, 4.0), (0.0, 1.0, NAN, 1.0, 0.0)),))
    assert len(re.findall(r'class="line s0"', svg(gap, "f"))) == 2


def test_what_curves_are_compared_with_is_always_drawn() -> None:
    lines = tuple(Series(f"s{n}", (0.0, 1.0), (0.0, 1.0)) for n in range(9))
    drawn = svg(Curves("", "", "x", "y", (*lines, Series("chance", (0.0,), (1.0,), is_reference=True))), "f")
    assert re.findall(r">(s\d|chance)</text>", drawn) == ["s0", "s1", "s2", "s3", "s4", "s5", "chance"]


@pytest.mark.parametrize("letter", ["i", "W", "\u8a9e"])
def test_names_do_not_leave_the_drawing(letter: str) -> None:
    """Roughly: an em is 12 wide, and no letter is wider."""
    widths = {"i": 3, "W": 12, "\u8a9e": 12}
    drawn = svg(Bars("", "", "n", "v", (letter * 80,), (1.0,)), "f", compact=True)
    ((x, name),) = re.findall(r'<text x="([\d.]+)"[^>]*class="name">([^<]*)<', drawn)
    assert widths[letter] * (len(name) - 1) <= float(x)
    assert "\u2026" in name


def test_figures_that_follow_each_other_stand_side_by_side() -> None:
    line = Curves("a", "", "x", "y", (Series("a", (0.0, 1.0), (0.0, 1.0)),))
    page = Page(report_html(report_of(line, line, Paragraph("between"), line)))
    assert [each["class"] for each in page.of("div") if each["class"] == "figures"] == ["figures"]
    assert [each["viewbox"].split()[2] for each in page.of("svg")] == ["460", "460", "640"]


def test_curves_differ_without_colours() -> None:
    style = "".join(text for tag, text in Page(report_html(report_of())).texts if tag == "style")
    dashes = dict(re.findall(r"svg \.line\.(s\d|ref) \{[^}]*stroke-dasharray: ([\d ]+);", style))
    assert set(dashes) == {"s1", "s2", "s3", "s4", "s5", "ref"}
    assert len(set(dashes.values())) == len(dashes)


@pytest.mark.parametrize("place", range(len(figures())))
def test_every_figure_has_its_numbers_in_a_table(place: int) -> None:
    figure = figures()[place]
    table = table_behind(figure)
    assert table.title == figure.title
    assert all(len(row) == len(table.headings) for row in table.rows)
    page = report_html(report_of(figure))
    assert page.count("<details>") == 1


def test_the_parts_of_a_figure_must_fit() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Series("a", (1.0, 2.0), (1.0,))
    with pytest.raises(ValueError, match="equally long"):
        Bars("a", "", "n", "v", ("x",), (1.0, 2.0))
    with pytest.raises(ValueError, match="does not fit"):
        Heat("a", "", "r", "c", ("x",), ("y",), ((1.0, 2.0),))
    with pytest.raises(ValueError, match="one edge more"):
        Histogram("a", "", "x", "y", (1.0, 2.0), (1.0, 2.0))


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.0, 1e9), (1e-12, 2e-12), (-1e300, 1e300), (7.0, 7.0000001)]
)
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 13
    assert list(ticks) == sorted(set(ticks))
    room = 1e-6 * (high / 2 - low / 2)
    assert all(low - room <= tick <= high + room for tick in ticks)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_axes_hold_whatever_comes(scale: str) -> None:
    hard = ([], [None], [5.0], [0.0, 0.0], [-1e308, 1e308], [1e-308, 1e308], [NAN, INF, 3.0], [2.0, 2.0])
    for values in hard:
        axis = axis_over(values, 10.0, 110.0, scale=scale, margin=0.05)  # type: ignore[arg-type]
        assert axis.low < axis.high
        places = [axis.place(value) for value in values if axis.holds(value)]
        assert all(10 - 1e-9 <= place <= 110 + 1e-9 for place in places)
        assert axis.labels(axis.ticks())


def test_500_columns_stay_small() -> None:
    names = [shortened(f"column_{number:03d}_" + "x" * 300, 80) for number in range(500)]
    spark = Spark(tuple(float(n) for n in range(12)), "0 to 1, median 0.5")
    facts = ("numeric", "feature", "0.1%", 10_000, spark, "0 to 1, median 0.5", "because " * 15)
    columns = [(name, *facts) for name in names]
    headings = ("column", "kind", "role", "missing", "distinct", "distribution", "values", "why")
    importance = tuple(float(500 - n) for n in range(500))
    blocks: list[Block] = [
        Table.bounded("Columns", headings, columns, most=1_000),
        Bars("Importance", "", "column", "growth", tuple(names), importance),
        *figures(),
    ]
    sections = tuple(Section(f"part-{n}", "Part", tuple(blocks) if n < 2 else ()) for n in range(8))
    report = ReportData("Big", "", sections, "modelwright 0")
    page = report_html(report)
    assert len(page.encode()) < 5_000_000
    assert names[499] in page
    assert "And 300 more rows." in page  # of the table behind the bars
    assert len(report_markdown(report).encode()) < 2_000_000


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_json_is_json(name: str) -> None:
    text = json.dumps(everything(name).to_dict(), allow_nan=False)
    parsed = json.loads(text)
    kinds = {block["type"] for block in parsed["sections"][0]["blocks"]}
    drawn = {"curves", "bars", "dots", "heat", "histogram"}
    assert {"heading", "paragraph", "code", "items", "facts", "table"} | drawn == kinds


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_holds_no_html_and_no_links(name: str) -> None:
    text = report_markdown(everything(name))
    outside = re.sub(r"^(`{3,})\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"<[a-zA-Z/!]", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)
    text.encode("utf-8")
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_markdown_cells_cannot_add_columns() -> None:
    text = report_markdown(report_of(Table("t", ("a|b", "c"), (("x|y", 1),))))
    (head, rule, row) = [line for line in text.splitlines() if line.startswith("|")]
    assert rule == "|---|---|"
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in (head, row)] == [3, 3]


def test_what_is_missing_is_told() -> None:
    section = Section("a", "A", (Paragraph("The data is gone.", "missing"), Paragraph("else")))
    assert section.missing == ("The data is gone.",)
    page = Page(report_html(ReportData("t", "", (section,))))
    assert "Not available: The data is gone." in page.text


def test_a_report_finds_its_sections() -> None:
    report = report_of(Paragraph("x"))
    assert report.section("part") is report.sections[0]
    assert report.section("none") is None
