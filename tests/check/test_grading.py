"""From frames to a set."""

from check_fakes import mono

from m3depth.check.finding import Severity
from m3depth.check.measuring.grading import Graded, Limits, grade
from m3depth.check.measuring.row_alignment import Estimate
from m3depth.check.measuring.sampler import frame_of

LIMITS = Limits(0.5, 1.0)


def graded(*estimates: Estimate) -> Graded | None:
    frames = [(frame_of("test", mono(0, f"v/{i}"), None), e) for i, e in enumerate(estimates)]
    return grade(frames, [LIMITS] * len(frames))


def test_good_frames_give_nothing():
    assert graded(*[Estimate(0.2, 0.05)] * 5) is None
    assert graded() is None


def test_one_bad_frame_in_a_good_set_is_found():
    found = graded(*[Estimate(0.1, 0.05)] * 9, Estimate(-2.0, 0.1))
    assert found is not None
    assert found.severity is Severity.ERROR
    assert found.keys == ("v/9",)
    assert found.of == "1 of 10 frames"


def test_an_unsure_frame_accuses_nobody_but_many_of_them_do():
    unsure = Estimate(1.5, 0.4)
    assert graded(unsure) is None
    found = graded(*[unsure] * 20)
    assert found is not None
    assert found.severity is Severity.ERROR
    assert len(found.worst) == 20


def test_between_the_limits_is_a_warning():
    found = graded(Estimate(0.8, 0.05))
    assert found is not None
    assert found.severity is Severity.WARNING


def test_a_large_image_raises_both_limits():
    assert LIMITS.at_least(2.0) == Limits(1.0, 2.0)
    assert LIMITS.at_least(0.1) == LIMITS
