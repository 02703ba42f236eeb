"""Words that have an order: sizes, grades, frequencies, days and months."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

__all__ = ["scale_order"]

SCALES: Sequence[str] = (
    "lowest, very low|vlow|v low|extremely low, low|lo, lower|below average|medium low|moderately low, "
    "medium|med|mid|middle|moderate|normal|average|avg, "
    "higher|above average|medium high|moderately high, high|hi, very high|vhigh|v high|extremely high, "
    "highest",
    "none|no|nil, minimal|trace, low|mild|slight|minor|little|light, "
    "medium|moderate|some, high|severe|major|strong|heavy, very high|very severe|extreme|critical",
    "tiny|xxs, xs|x small|extra small|very small, small|s|sm|little, medium|m|med|mid|average, "
    "big|large|l|lg, xl|x large|extra large|very large|very big|vbig, "
    "xxl|2xl|huge|giant, xxxl|3xl|enormous",
    "never|not at all, almost never|hardly ever|very rarely, rarely|seldom|occasionally, "
    "sometimes|now and then, often|frequently|regularly, usually|mostly|very often, "
    "almost always|nearly always, always|constantly",
    "never, yearly|annually|annual, half yearly|semi annually, quarterly, monthly, biweekly|fortnightly, "
    "weekly, daily, hourly",
    "terrible|awful|very poor|very bad, poor|bad|po|unsatisfactory, fair|fa|below average|acceptable, "
    "ok|okay|average|satisfactory|typical|ta|regular|sufficient, good|gd, "
    "very good|vgood|v good|vg, excellent|ex|great, outstanding|perfect|ideal",
    "unacc|unacceptable, acc|acceptable, good, vgood|very good",
    "fair, good, very good, premium, ideal",
    "strongly disagree|completely disagree|totally disagree, disagree, "
    "somewhat disagree|slightly disagree, neutral|neither|undecided|neither agree nor disagree, "
    "somewhat agree|slightly agree, agree, strongly agree|completely agree|totally agree",
    "very dissatisfied|very unsatisfied, dissatisfied|unsatisfied, neutral, satisfied, very satisfied",
    "very unlikely, unlikely, neutral|possible|possibly, likely|probable, very likely, certain",
    "none|no|zero, one|single, two|few|a few|couple, three|several|some, many|multiple, most, all",
    "zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
    "first|1st, second|2nd, third|3rd, fourth|4th, fifth|5th, sixth|6th, seventh|7th, eighth|8th, "
    "ninth|9th, tenth|10th, eleventh|11th, twelfth|12th",
    "monday|mon|mo, tuesday|tue|tues|tu, wednesday|wed|we, thursday|thu|thur|thurs|th, friday|fri|fr, "
    "saturday|sat|sa, sunday|sun|su",
    "january|jan, february|feb, march|mar, april|apr, may, june|jun, july|jul, august|aug, "
    "september|sep|sept, october|oct, november|nov, december|dec",
    "spring, summer, autumn|fall, winter",
    "night, early morning|dawn, morning, noon|midday, afternoon, evening, late evening",
    "cold|cool, mild|lukewarm, warm, hot, very hot",
    "very slow, slow, medium|moderate|normal, fast, very fast",
    "very short, short, medium|average, tall|long, very tall|very long",
    "very young|infant|baby, child, teen|teenager|adolescent, young|young adult, "
    "adult|middle aged|middle age, old|senior|elderly, very old",
    "basic|free|trial, starter|bronze, standard|silver|regular, plus|gold, premium|pro|platinum, "
    "enterprise|diamond",
    "beginner|novice|entry|entry level|trainee, basic|elementary|junior, "
    "intermediate|mid|mid level|medior, advanced|senior, expert|lead|principal, executive|director",
    "preschool|kindergarten, primary|elementary|primary school|elementary school, "
    "middle school|lower secondary, secondary|high school|secondary school|upper secondary, "
    "some college, associate|associates|associate degree, bachelor|bachelors|undergraduate|college|"
    "university, master|masters|graduate|postgraduate, doctorate|phd|doctoral",
    "worse|decreased|down, same|unchanged|stable|steady, better|increased|up",
    "past|before, present|now|today, future|after",
    "negative, neutral, positive",
    "minimum|min, mean|average, maximum|max",
)
"""Each scale from its low to its high end: steps between commas, spellings of a step between bars."""

_SEPARATORS = re.compile(r"[\s_\-./'’]+")
MAX_LEVELS = 16
"""No scale has more different words in use at a time."""


def scale_order(levels: Iterable[str]) -> list[str] | None:
    """Levels in the order of a scale, if every one of them is a step of one and the same scale.

    Upper case, blanks and hyphens do not matter. Two levels on the same step ("low" and "Low") are not
    an order: then there is none.

    Parameters
    ----------
    levels : iterable of str

    Returns
    -------
    list of str or None
        None if no scale has all levels, or if there are fewer than two.

    Examples
    --------
    >>> scale_order(["High", "low", "very-high", "med"])
    ['low', 'med', 'High', 'very-high']
    >>> scale_order(["low", "blue"]) is None
    True
    """
    found = list(levels)
    if not 2 <= len(found) <= MAX_LEVELS:
        return None
    words = [_SEPARATORS.sub(" ", level.casefold()).strip() for level in found]
    if any(len(word) > 40 for word in words):
        return None
    for steps in _scales():
        places = [steps.get(word, -1) for word in words]
        if min(places) >= 0 and len(set(places)) == len(places):
            return [level for _, level in sorted(zip(places, found, strict=True))]
    return None


@cache
def _scales() -> tuple[dict[str, int], ...]:
    return tuple(dict(_steps(scale)) for scale in SCALES)


def _steps(scale: str) -> Iterator[tuple[str, int]]:
    for place, step in enumerate(scale.split(",")):
        for word in step.split("|"):
            yield _SEPARATORS.sub(" ", word).strip(), place
