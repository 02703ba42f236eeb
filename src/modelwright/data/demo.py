"""Tables to try Modelwright on: generated customers, and real tables that scikit-learn brings along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, StorageError, UnknownName, generator, nearest

__all__ = ["BUNDLED_TABLES", "CUSTOMERS_TARGET", "draw_customers", "make_customers", "write_bundled_table"]

CUSTOMERS_TARGET = "churn"

PERIOD_DAYS = 180
"""Days from the first row's snapshot to the last one's."""

PLANS = ("basic", "plus", "pro", "business")
"""Cheapest first."""

PLAN_FEES = np.array([12.0, 24.0, 48.0, 120.0])
PLAN_SHARES = np.array([0.42, 0.31, 0.19, 0.08])
LATE_PLAN_SHARES = np.array([0.22, 0.26, 0.34, 0.18])
"""Mix of plans at drift 0 and at drift 1."""

CITIES: Mapping[str, str] = {
    "Austria": "Vienna Graz Linz Salzburg Innsbruck Klagenfurt Villach Wels Dornbirn Steyr Leoben Krems",
    "Brazil": "Recife Manaus Curitiba Salvador Fortaleza Belém Goiânia Natal Maceió Santos Olinda Niterói",
    "Canada": "Toronto Montréal Calgary Ottawa Edmonton Winnipeg Halifax Regina Laval Guelph Surrey Barrie",
    "France": "Paris Lyon Marseille Toulouse Nice Nantes Lille Rennes Reims Dijon Angers Grenoble",
    "Germany": "Berlin Hamburg München Köln Frankfurt Stuttgart Leipzig Dresden Bremen Essen Kiel Mainz",
    "India": "Mumbai Delhi Pune Chennai Jaipur Kolkata Lucknow Kanpur Nagpur Indore Surat Bhopal",
    "Japan": "Tōkyō Ōsaka Nagoya Sapporo Fukuoka Kōbe Kyōto Sendai Hiroshima Niigata Nara Kanazawa",
    "Spain": "Madrid Barcelona Valencia Sevilla Zaragoza Málaga Murcia Bilbao Alicante Córdoba Gijón Vigo",
    "Sweden": "Stockholm Göteborg Malmö Uppsala Västerås Örebro Linköping Lund Umeå Gävle Borås Kalmar",
    "United States": "Boston Denver Seattle Austin Chicago Phoenix Atlanta Dallas Miami Tulsa Omaha Reno",
}
COUNTRY_SHARES = np.array([0.05, 0.09, 0.08, 0.12, 0.16, 0.13, 0.09, 0.08, 0.05, 0.15])
COUNTRY_PRICES = np.array([1.05, 0.60, 1.00, 1.00, 1.05, 0.45, 0.95, 0.90, 1.10, 1.15])

DEVICES = ("android", "ios", "web", "desktop app")
REFERRALS = ("friend", "partner", "campaign")

PHRASES: tuple[tuple[str, ...], ...] = (
    (
        "Too expensive for what it does!",
        "Support took four days to answer.",
        "I am looking at alternatives.",
        "It crashed again, third time this week!!",
        "The last update made it worse.",
        "Cancelled the renewal reminder.",
    ),
    (
        "It is okay.",
        "Does the job most of the time.",
        "No strong opinion so far.",
        "Could use an export to spreadsheets.",
        "Still learning how it works.",
    ),
    (
        "Love it, we use it every day.",
        "Great support, thank you!",
        "Recommended it to two colleagues.",
        "Fast, simple and reliable.",
        "Worth the price.",
    ),
)
"""Unhappy, indifferent and happy phrases."""

BUNDLED_TABLES: Mapping[str, str] = {
    "breast_cancer": "diagnosis",
    "wine": "cultivar",
    "diabetes": "progression",
    "iris": "species",
    "digits": "digit",
}
"""Tables that come inside scikit-learn, and the target column that `write_bundled_table` gives each."""


def make_customers(
    rows: int = 5000, seed: int = 0, drift: float = 0.0, start: str = "2024-01-01"
) -> pl.DataFrame:
    """A customer table with mixed types, dates, text, missing values, an id and the label ``churn``.

    One row is one customer as seen on one day; the days run evenly over 180 days from ``start``.

    ================  =====================================================================================
    customer_id       text, unique
    snapshot_date     date of the row; increasing
    signup_date       date; tenure is exponential with a mean of 20 months
    last_contact      date and time before the snapshot (mean 25 days); 8% missing: never in contact
    plan              basic, plus, pro, business
    country, city     10 countries, 120 cities, a few of them large
    age               years, 18 to 90; 3% missing
    monthly_fee       by plan and country, with a personal discount
    total_spend       fee x months of tenure x log-normal noise: skewed; 1% missing
    support_tickets   Poisson, more for the unhappy
    satisfaction      1 to 5; missing not at random: the unhappy answer less (about 25% missing)
    referral          friend, partner, campaign; 85% missing
    newsletter        yes, no; 2% missing
    device            android, ios, web, desktop app
    feedback          one or two short sentences that go with satisfaction; 45% missing
    churn             yes, no: whether the customer left within 30 days of the snapshot; about 26% yes
    ================  =====================================================================================

    The probability of churn is the logistic function of::

        -3.1 + 2.4 exp(-tenure / 6 months) - 1.35 (satisfaction - 3.4) + 0.5 min(tickets, 5) [x 1.5 on basic]
        + 2.5 (fee / typical fee of plan and country - 1) + 0.9 [under 30, on android or ios]
        + 0.5 log(1 + days since contact / 10) - 0.6 [newsletter] - 0.9 [referral] + city effect (sd 0.5)

    with the satisfaction that the customer feels, also where it was not answered. The best possible ROC
    AUC, with these probabilities, is about 0.88.

    Drift grows evenly from 0 at the first row to ``drift`` at the last. At 1: fees are 35% up against the
    typical ones, the mix of plans has moved from basic to pro and business, customers are 6 years younger,
    web has given way to android, the newsletter no longer keeps anybody (its effect is 0), and price counts
    twice as much. The first three change what comes in, the last two change what it means.

    Parameters
    ----------
    rows : int, default 5000
        Number of customers.
    seed : int, default 0
        Equal arguments give equal tables.
    drift : float, default 0.0
        From 0 (nothing changes) to 1.
    start : str, default "2024-01-01"
        Day of the first snapshot, as YYYY-MM-DD.

    Returns
    -------
    polars.DataFrame
        In the order of the snapshots.

    Raises
    ------
    OptionError
        If an argument makes no sense.

    Examples
    --------
    >>> frame = make_customers(rows=200, seed=1)
    >>> frame.shape
    (200, 17)
    >>> frame["plan"].unique().sort().to_list()
    ['basic', 'business', 'plus', 'pro']
    """
    return draw_customers(rows, seed, drift, start)[0]


def draw_customers(
    rows: int = 5000, seed: int = 0, drift: float = 0.0, start: str = "2024-01-01"
) -> tuple[pl.DataFrame, FloatArray]:
    """The table of `make_customers` and the true probability of churn of each row.

    The probabilities are what a perfect model would predict: good for judging scores and calibration.

    Examples
    --------
    >>> frame, probability = draw_customers(rows=100)
    >>> frame.height == len(probability)
    True
    """
    first = _check(rows, drift, start)
    amount = drift * np.arange(rows) / max(1, rows - 1)
    who, city_effect = _people(rows, seed, amount)
    use = _usage(who, rows, seed, amount)
    probability = _churn_probability(who, use, city_effect, amount)
    random = generator(seed, "customers", "table")
    snapshot = np.datetime64(first, "s") + (
        np.arange(rows) * (PERIOD_DAYS * 86_400) // max(1, rows - 1)
    ).astype("timedelta64[s]")
    signup = snapshot - (use["months"] * 30.44 * 86_400).astype("timedelta64[s]")
    contact = snapshot - (use["days"] * 86_400).astype("timedelta64[s]")
    contact = np.maximum(contact, signup)
    satisfaction = np.clip(np.rint(use["satisfaction"]), 1, 5)
    # Whoever is unhappy does not answer: values are missing for a reason that matters.
    silent = random.random(rows) < 1 / (1 + np.exp(0.9 + 0.9 * (use["satisfaction"] - 3.0)))
    countries = np.array(list(CITIES))
    cities = np.array([city for names in CITIES.values() for city in names.split()])
    referral = np.array(REFERRALS)[random.choice(3, rows, p=[0.6, 0.15, 0.25])]
    return pl.DataFrame(
        {
            "customer_id": [f"C{number:07d}" for number in random.permutation(rows * 7)[:rows]],
            "snapshot_date": pl.Series(snapshot.astype("datetime64[ms]")).cast(pl.Date),
            "signup_date": pl.Series(signup.astype("datetime64[ms]")).cast(pl.Date),
            "last_contact": _holes(pl.Series(contact.astype("datetime64[us]")), use["never"] > 0),
            "plan": np.array(PLANS)[who["plan"].astype(np.int64)],
            "country": countries[who["country"].astype(np.int64)],
            "city": cities[who["city"].astype(np.int64)],
            "age": _holes(pl.Series(who["age"].astype(np.int64)), random.random(rows) < 0.03),
            "monthly_fee": np.round(use["fee"], 2),
            "total_spend": _holes(pl.Series(np.round(use["spend"], 2)), random.random(rows) < 0.01),
            "support_tickets": use["tickets"].astype(np.int64),
            "satisfaction": _holes(pl.Series(satisfaction.astype(np.int64)), silent),
            "referral": _holes(pl.Series(referral), who["referred"] == 0),
            "newsletter": _holes(_yes_no(who["newsletter"]), random.random(rows) < 0.02),
            "device": np.array(DEVICES)[who["device"].astype(np.int64)],
            "feedback": _feedback(use["satisfaction"], seed),
            CUSTOMERS_TARGET: _yes_no(random.random(rows) < probability),
        }
    ), probability


def _check(rows: int, drift: float, start: str) -> datetime:
    """The first day, once every argument makes sense."""
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise OptionError(f"rows must be a whole number of 1 or more, but came as {rows!r}.")
    if not isinstance(drift, (int, float)) or not 0 <= drift <= 1:
        raise OptionError(f"drift must be a number from 0 to 1, but came as {drift!r}.")
    try:
        day = date.fromisoformat(start)
    except (TypeError, ValueError) as error:
        raise OptionError(f"start must be a day like '2024-01-01', but came as {start!r}.") from error
    return datetime(day.year, day.month, day.day)


def _people(rows: int, seed: int, amount: FloatArray) -> tuple[dict[str, FloatArray], FloatArray]:
    """Who the customers are, and the effect of each one's city."""
    random = generator(seed, "customers", "people")
    shares = PLAN_SHARES + amount[:, None] * (LATE_PLAN_SHARES - PLAN_SHARES)
    plan = (random.random((rows, 1)) > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    country = random.choice(len(CITIES), rows, p=COUNTRY_SHARES)
    # A few large cities and many small ones (Zipf).
    sizes = 1.0 / np.arange(1, 13)
    city = country * 12 + random.choice(12, rows, p=sizes / sizes.sum())
    age = np.clip(18 + random.gamma(3.2, 7.5, rows) - 6 * amount, 18, 90)
    young = age < 35
    mobile = random.random(rows) < np.where(young, 0.75, 0.4) + 0.2 * amount
    device = np.where(mobile, random.random(rows) < 0.45 - 0.2 * amount, 2 + (random.random(rows) < 0.35))
    who = {
        "plan": plan.astype(np.float64),
        "country": country.astype(np.float64),
        "city": city.astype(np.float64),
        "age": np.floor(age),
        "device": device.astype(np.float64),
        "newsletter": (random.random(rows) < 0.45).astype(np.float64),
        "referred": (random.random(rows) < 0.15).astype(np.float64),
    }
    # What a city does to churn is the same in every table, whatever its seed: models can be compared.
    effect: FloatArray = generator(0, "customers", "cities").normal(0.0, 0.5, 12 * len(CITIES))[city]
    return who, effect


def _usage(who: Mapping[str, FloatArray], rows: int, seed: int, amount: FloatArray) -> dict[str, FloatArray]:
    """What the customers pay, ask and feel."""
    random = generator(seed, "customers", "usage")
    months = np.clip(random.exponential(20.0, rows), 0.1, 120.0)
    typical = PLAN_FEES[who["plan"].astype(np.int64)] * COUNTRY_PRICES[who["country"].astype(np.int64)]
    fee = typical * (1 + 0.35 * amount) * np.clip(random.normal(1.0, 0.12, rows), 0.6, 1.4)
    satisfaction = np.clip(random.normal(3.5, 1.0, rows) - 1.0 * (fee / typical - 1), 1.0, 5.0)
    tickets = random.poisson(0.4 + 0.5 * (5.0 - satisfaction))
    never = random.random(rows) < 0.08
    days = np.where(never, 60.0, random.exponential(25.0, rows))
    return {
        "months": months,
        "price": fee / typical,
        "fee": fee,
        "spend": fee * months * random.lognormal(0.0, 0.45, rows),
        "satisfaction": satisfaction,
        "tickets": tickets.astype(np.float64),
        "never": never.astype(np.float64),
        "days": days,
    }


def _churn_probability(
    who: Mapping[str, FloatArray], use: Mapping[str, FloatArray], city_effect: FloatArray, amount: FloatArray
) -> FloatArray:
    """The formula of `make_customers`."""
    tickets = 0.5 * np.minimum(use["tickets"], 5) * np.where(who["plan"] == 0, 1.5, 1.0)
    logit = (
        -3.1
        + 2.4 * np.exp(-use["months"] / 6.0)
        - 1.35 * (use["satisfaction"] - 3.4)
        + tickets
        + 2.5 * (1 + amount) * (use["price"] - 1)
        + 0.9 * ((who["age"] < 30) & (who["device"] < 2))
        + 0.5 * np.log1p(use["days"] / 10.0)
        - 0.6 * (1 - amount) * who["newsletter"]
        - 0.9 * who["referred"]
        + city_effect
    )
    probability: FloatArray = 1 / (1 + np.exp(-logit))
    return probability


def _feedback(satisfaction: FloatArray, seed: int) -> list[str | None]:
    """One or two phrases whose tone goes with satisfaction, or none."""
    random = generator(seed, "customers", "feedback")
    rows = len(satisfaction)
    tone = np.digitize(satisfaction + random.normal(0.0, 0.6, rows), [2.8, 3.8])
    silent, two = random.random(rows) < 0.45, random.random(rows) < 0.3
    picks = random.random((rows, 2))
    found: list[str | None] = []
    for row in range(rows):
        phrases = PHRASES[int(tone[row])]
        chosen = [phrases[int(pick * len(phrases))] for pick in picks[row, : 1 + int(two[row])]]
        found.append(None if silent[row] else " ".join(dict.fromkeys(chosen)))
    return found


def _holes(values: pl.Series, missing: NDArray[np.bool_]) -> pl.Series:
    return values.to_frame("x").select(pl.when(pl.Series(~missing)).then(pl.col("x"))).to_series()


def _yes_no(flags: NDArray[np.generic]) -> pl.Series:
    return pl.Series(np.where(flags.astype(np.bool_), "yes", "no"))


def write_bundled_table(name: str, path: str | Path) -> str:
    """Write a real table that comes inside scikit-learn as the CSV file that a user would have.

    Parameters
    ----------
    name : {"breast_cancer", "wine", "diabetes", "iris", "digits"}
        Which one. Diabetes is written in its original units.
    path : path
        The file to write.

    Returns
    -------
    str
        Name of the target column, the last of the file; classes are written by their names.

    Raises
    ------
    UnknownName
        If there is no such table.
    StorageError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     target = write_bundled_table("iris", f"{directory}/iris.csv")
    ...     pl.read_csv(f"{directory}/iris.csv")[target].unique().sort().to_list()
    ['setosa', 'versicolor', 'virginica']
    """
    if name not in BUNDLED_TABLES:
        raise UnknownName(
            f"There is no bundled table {name!r}.{nearest(name, BUNDLED_TABLES)} "
            f"Known: {', '.join(BUNDLED_TABLES)}."
        )
    from sklearn import datasets

    table = (
        datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()
    )
    columns = [_column_name(str(feature)) for feature in table.feature_names]
    frame = pl.DataFrame(np.asarray(table.data, np.float64), schema=columns)
    target = BUNDLED_TABLES[name]
    values = np.asarray(table.target)
    names = table.get("target_names")
    # Where the names are the numbers themselves (digits), or there are none, the numbers are written.
    if names is not None and np.asarray(names).dtype.kind in "UO":
        values = np.asarray(names).astype(str)[values]
    frame = frame.with_columns(pl.Series(target, values))
    try:
        frame.write_csv(path)
    except OSError as error:
        raise StorageError(
            f"The table cannot be written to {path} ({error}). Choose a writable place."
        ) from error
    return target


def _column_name(feature: str) -> str:
    """A plain column name: ``"sepal length (cm)"`` becomes ``"sepal_length_cm"``."""
    kept = "".join(character if character.isalnum() else " " for character in feature)
    return "_".join(kept.split())
