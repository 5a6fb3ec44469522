"""When a level is said to have helped."""

import numpy as np
import pytest

from m3depth.adaptation.evidence import Evidence
from m3depth.adaptation.gate import verdict

MANY = np.linspace(-0.01, 0.01, 8)


def evidence(off: float, rebuilt: float = 0.1, strange: float = 0.2) -> Evidence:
    return Evidence(off + MANY, rebuilt + MANY[::-1] / 10, MANY, strange + MANY)


def gained(mean: float, errors: float) -> np.ndarray:
    """Gains of the frames, with a mean of so many of its standard errors; below 0 it is a loss."""
    spread = mean / abs(errors) * np.sqrt(len(MANY) - 1)
    return np.sign(errors) * mean + spread * np.sign(MANY)


@pytest.mark.parametrize(
    ("after", "helped"),
    [
        (evidence(0.10), True),
        (evidence(0.195), True),  # every frame gains
        (evidence(0.20), False),
        (evidence(0.25), False),
        (evidence(0.10, rebuilt=0.2), False),  # nearer the matcher, and the image does not fit
    ],
)
def test_the_matcher_and_the_other_image_must_agree(after: Evidence, helped: bool):
    assert verdict(evidence(0.20), after).helped is helped


def test_a_gain_that_frames_do_not_agree_on_is_chance():
    noisy = evidence(0.20)._replace(off_matcher=0.19 + 0.15 * np.sign(MANY))
    assert not verdict(evidence(0.20), noisy).helped


@pytest.mark.parametrize(("errors", "helped"), [(1.5, False), (1.8, True)])
def test_a_gain_is_sure_from_1_64_of_its_standard_errors_on(errors: float, helped: bool):
    after = evidence(0.2)._replace(off_matcher=0.2 + MANY - gained(0.01, errors))
    assert verdict(evidence(0.20), after).helped is helped


@pytest.mark.parametrize(
    ("matcher", "other", "helped"),
    [
        (1.3, 1.3, True),  # 1.8 together
        (1.1, 1.1, False),
        (0.5, 3.0, True),
        (1.3, 0.5, False),
        (1.8, -1.0, True),  # the first alone
        (1.8, -3.0, False),  # rebuilt worse
    ],
)
def test_what_the_matcher_is_not_sure_of_both_may_be(matcher: float, other: float, helped: bool):
    """Gains by the matcher and by the other image, in standard errors of their means."""
    gains = [gained(0.01, errors) for errors in (matcher, other)]
    after = evidence(0.2)._replace(
        off_matcher=0.2 + MANY - gains[0], rebuilt=0.1 + MANY[::-1] / 10 - gains[1]
    )
    assert verdict(evidence(0.20), after).helped is helped


def test_frames_that_are_rebuilt_better_do_not_outvote_the_matcher():
    after = evidence(0.205, rebuilt=0.09)
    assert not verdict(evidence(0.20), after).helped


def test_where_the_matcher_says_nothing_nothing_is_kept():
    nothing = np.full(8, np.nan)
    before, after = (evidence(0.2, r)._replace(off_matcher=nothing) for r in (0.2, 0.1))
    assert not verdict(before, after).helped


def test_single_images_are_judged_by_how_strange_they_are():
    nothing = np.full(8, np.nan)
    blind = {"off_matcher": nothing, "rebuilt": nothing, "scale": nothing}
    before, better, worse = (evidence(0.2, strange=s)._replace(**blind) for s in (0.2, 0.1, 0.3))
    assert verdict(before, better).helped
    assert not verdict(before, worse).helped


def test_depth_that_stays_relative_is_judged_by_how_strange_the_frames_are():
    """Its other numbers are the plane's, which no level changes."""
    before, better, worse = (evidence(0.2, strange=s)._replace(metric=False) for s in (2, 1, 3))
    assert verdict(before, better).helped
    assert not verdict(before, worse).helped


def test_depth_that_becomes_metric_must_be_better_than_a_plane():
    plane = evidence(0.2)._replace(metric=False)
    said = "beside the plane that suits the matcher best: off the matcher 0.200 -> 0.100"
    assert verdict(plane, evidence(0.1)).helped
    assert said in verdict(plane, evidence(0.1)).said
    assert not verdict(plane, evidence(0.3)).helped
