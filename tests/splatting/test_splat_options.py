"""Numbers that no fit can have are refused before it begins."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from small_scenes import a_clip, a_recipe, an_objective

from m3depth.errors import ConfigError
from m3depth.splatting.model.start import at_random, from_prior
from m3depth.splatting.objective.objective import Objective, Weighted
from m3depth.splatting.objective.schedules import constant
from m3depth.splatting.objective.terms import colour_l1
from m3depth.validation import require_number


@pytest.mark.parametrize("value", ["abc", None, True, 0, 11, 2.5, float("nan")])
def test_what_is_no_whole_number_from_1_to_10(value: object):
    shown = "null" if value is None else value
    with pytest.raises(ConfigError, match=f"x={shown}: expected a whole number from 1 to 10"):
        require_number("x", value, 1, 10, whole=True)


def test_the_ends_and_fractions_where_they_may_be():
    require_number("x", 1, 1, 10, whole=True)
    require_number("x", 10.0, 1, 10)
    require_number("x", 2.5, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iterations": 0}, "recipe.iterations=0"),
        ({"iterations": "abc"}, "recipe.iterations=abc"),
        ({"bumps": -1}, "recipe.bumps=-1"),
        ({"degree": 4}, "recipe.degree=4: expected a whole number from 0 to 3"),
        ({"opacity": 1.5}, "recipe.opacity=1.5"),
        ({"settle": 0.0}, "recipe.settle=0"),
        ({"seed": -1}, "recipe.seed=-1"),
        ({"rates": {"means_mm": 0.1}}, "recipe.rates: centres, .*: it takes means_mm"),
    ],
)
def test_recipes_that_cannot_be(changes: dict[str, object], said: str):
    with pytest.raises(ConfigError, match=said):
        replace(a_recipe(), **changes)


@pytest.mark.parametrize("rate", [-1, "a"])
def test_rates_that_cannot_be(rate: object):
    recipe = a_recipe()
    with pytest.raises(ConfigError, match=f"recipe.rates.means_mm={rate}"):
        replace(recipe, rates={**recipe.rates, "means_mm": rate})


@pytest.mark.parametrize(
    ("name", "value"),
    [("every", -1), ("most", 0), ("since", 2), ("until", -0.1), ("pull", -1), ("largest_px", -1)],
)
def test_densities_that_cannot_be(name: str, value: object):
    with pytest.raises(ConfigError, match=f"recipe.density.{name}={value}"):
        replace(a_recipe().density, **{name: value})


@pytest.mark.parametrize("start", [from_prior, at_random])
@pytest.mark.parametrize("count", [0, -5])
def test_a_start_without_points(start: object, count: object):
    with pytest.raises(ConfigError, match=f"objective.start.count={count}"):
        start(a_clip(), torch.Generator(), count=count)


def test_weights_that_cannot_be():
    terms = {"colour": Weighted(colour_l1, partial(constant, weight=-1.0))}
    with pytest.raises(ConfigError, match=r"objective.terms.colour.weight=-1"):
        Objective(an_objective().start, terms)


def test_an_objective_without_terms():
    with pytest.raises(ConfigError, match=r"objective\.terms: empty"):
        Objective(an_objective().start, {})
