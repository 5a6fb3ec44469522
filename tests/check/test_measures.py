"""What is fine is shown with its numbers; what is wrong is quoted with the typical frame."""

import re

import numpy as np
import pytest
import torch
from check_fakes import Samples, findings, mono
from pair_breakages import Changed, darker, lowered, swapped, turned, uncalibrated, without_truth

from m3depth.check.measuring.sampler import Sampler
from m3depth.check.measuring.set_measures import Measure, fine, measures
from m3depth.check.verdict import table
from m3depth.data.synthetic import SyntheticPairs
from m3depth.types import StereoBatch

SIZE = (128, 160)


@pytest.fixture(scope="module")
def pairs() -> SyntheticPairs:
    return SyntheticPairs("test", 4, SIZE, endoscope=None, seed=3)


def measured(pairs: object) -> dict[str, Measure]:
    sampled = Sampler(frames=8, seconds=600, neighbours=0)({"input": pairs})
    return {one.code: one for one in measures(sampled)}


def test_a_healthy_set_shows_what_was_measured(pairs: SyntheticPairs):
    found = measured(pairs)
    assert list(found) == [
        *("vertical_offset", "view_rotation", "vertical_scale", "distortion", "disparity_range"),
        *("principal_offset", "truth_misplaced", "truth_sparse", "exposure_difference"),
    ]
    assert found["vertical_offset"].numbers["max_px"] < 0.3
    assert re.search(
        r"apart by 0\.\d+ px \(median\), 0\.\d+ at most", found["vertical_offset"].said
    )
    assert found["truth_sparse"].numbers["median_percent"] > 90
    assert "1.00 times as bright" in found["exposure_difference"].said


def test_the_numbers_are_those_of_the_views(pairs: SyntheticPairs):
    rows = measured(Changed(pairs, lambda s: without_truth(lowered(s, 3))))
    assert rows["vertical_offset"].numbers["median_px"] == pytest.approx(3, abs=0.2)
    around = measured(Changed(pairs, lambda s: without_truth(turned(s, 1.5))))
    assert around["view_rotation"].numbers["median_deg"] == pytest.approx(1.5, abs=0.2)
    light = measured(Changed(pairs, lambda s: darker(s, 0.8)))
    assert light["exposure_difference"].numbers["median_ratio"] == pytest.approx(1.25, abs=0.03)
    share = measured(pairs)["disparity_range"].numbers
    disparities = np.concatenate(
        [
            (s["rig"].fx * s["rig"].baseline_mm / s["depth_mm"]).numpy().ravel() / SIZE[1]
            for s in (pairs[i] for i in range(4))
        ]
    )
    assert share["median_of_width"] == pytest.approx(float(np.median(disparities)), rel=0.15)


def test_a_table_has_an_ok_for_what_no_finding_is_about(pairs: SyntheticPairs):
    wrong = Changed(pairs, lambda s: without_truth(lowered(s, 3)))
    found = findings(wrong)
    rows = list(measured(wrong).values())
    assert "vertical_offset" not in [one.code for one in fine(rows, found)]
    told = table(found, "head", measured=rows)
    assert "ERROR    vertical_offset: " in told
    assert "ok       view_rotation: one view is turned by 0." in told
    assert told.index("ERROR") < told.index("ok    ")


def test_a_finding_quotes_the_typical_frame_beside_the_worst(pairs: SyntheticPairs):
    heights = iter((2, 2, 2, 9))

    def lower(sample: StereoBatch) -> StereoBatch:
        return without_truth(lowered(sample, next(heights)))

    one = next(f for f in findings(Samples([lower(pairs[i]) for i in range(4)])))
    quoted = re.search(
        r"by ([\d.]+) px in the worst frame \((.*)\), ([\d.]+) px in the med", one.said
    )
    assert float(quoted[1]) == pytest.approx(9, abs=0.3)
    assert quoted[2] == pairs[3]["key"]
    assert float(quoted[3]) == pytest.approx(2, abs=0.3)
    assert one.said.endswith("too much in 4 of 4 frames")
    one = findings(Changed(pairs, lambda s: uncalibrated(swapped(s))))[0]
    assert re.search(r"in the worst frame \(.*\), \d+% in the median", one.said)


def test_one_view_alone_has_little_to_show():
    assert measured(Samples([mono(i, f"v/{i}") for i in range(3)])) == {}
    deep = mono(1, "v/1") | {"depth_mm": torch.ones(1, 60, 80)}
    assert list(measured(Samples([deep]))) == ["truth_sparse"]
