import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from m3depth.evaluation.trajectory import (
    score_path,
    score_snippets,
    similarity,
    steps,
)

Poses = NDArray[np.float64]


def path(frames: int, seed: int = 0, turn_deg: float = 3.0) -> Poses:
    """A smooth path through a world of its own."""
    draw = np.random.default_rng(seed)
    motions = np.tile(np.eye(4), (frames - 1, 1, 1))
    turns = draw.normal(0, np.radians(turn_deg), (frames - 1, 3))
    motions[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix()
    motions[:, :3, 3] = draw.normal(1.0, 0.5, (frames - 1, 3))
    poses = [moved(np.eye(4)[None], draw)[0]]
    for motion in motions:
        poses.append(poses[-1] @ motion)
    return np.array(poses)


def moved(poses: Poses, draw: np.random.Generator, scale: float = 1.0) -> Poses:
    """In another world, of another scale."""
    other = np.eye(4)
    other[:3, :3] = Rotation.random(rng=draw).as_matrix()
    other[:3, 3] = draw.normal(0, 50, 3)
    poses = poses.copy()
    poses[:, :3, 3] *= scale
    return other @ poses


def test_a_path_in_another_world_and_scale_is_the_same_path():
    true = path(12)
    found = score_path(moved(true, np.random.default_rng(1), scale=0.2), true)
    assert found["scale"] == pytest.approx(5.0, rel=1e-12)
    assert found["ate_mm"] == pytest.approx(0, abs=1e-10)
    assert found["rotation_max_deg"] == pytest.approx(0, abs=1e-5)
    assert found["direction_deg"] == pytest.approx(0, abs=1e-5)
    assert found["snippets"]["ate_over_n"] == pytest.approx(0, abs=1e-10)
    assert found["snippets"]["rotation_rad"] == pytest.approx(0, abs=1e-7)
    assert found["ate_unscaled_mm"] > 1


def test_errors_do_not_depend_on_either_world():
    true, other = path(12), path(12, seed=2)
    one = score_path(other, true)
    draw = np.random.default_rng(3)
    two = score_path(moved(other, draw, scale=7.0), moved(true, draw))
    scale, snippets = one.pop("scale"), one.pop("snippets")
    assert two.pop("scale") == pytest.approx(scale / 7, rel=1e-9)
    assert two.pop("snippets") == pytest.approx(snippets, rel=1e-6)
    one.pop("ate_unscaled_mm")
    two.pop("ate_unscaled_mm")
    assert two == pytest.approx(one, rel=1e-6)


def test_the_similarity_is_the_least_squares_one():
    draw = np.random.default_rng(0)
    points, onto = draw.normal(0, 3, (20, 3)), draw.normal(0, 2, (20, 3))

    def squares(numbers: NDArray[np.float64]) -> float:
        turn = Rotation.from_rotvec(numbers[:3]).as_matrix()
        return float(((np.exp(numbers[3]) * points @ turn.T + numbers[4:] - onto) ** 2).sum())

    searched = min(
        (minimize(squares, [*start, 0, 0, 0, 0], tol=1e-12) for start in draw.normal(0, 1, (8, 3))),
        key=lambda one: one.fun,
    )
    found = similarity(points, onto)
    assert ((found.apply(points) - onto) ** 2).sum() == pytest.approx(searched.fun, rel=1e-9)
    assert found.scale == pytest.approx(np.exp(searched.x[3]), rel=1e-4)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_without_a_scale_it_is_scipy_s_alignment():
    draw = np.random.default_rng(4)
    points, onto = draw.normal(0, 3, (20, 3)), draw.normal(0, 2, (20, 3))
    expected, _ = Rotation.align_vectors(onto - onto.mean(0), points - points.mean(0))
    found = similarity(points, onto, scaled=False)
    np.testing.assert_allclose(found.rotation, expected.as_matrix(), atol=1e-10)
    assert found.scale == 1


def test_a_mirrored_path_is_not_aligned_by_a_mirror():
    points = np.random.default_rng(5).normal(0, 3, (20, 3))
    found = similarity(points, points * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    assert np.abs(found.apply(points) - points * [1, 1, -1]).max() > 0.5


def test_an_estimate_that_stands_still_has_no_scale():
    true = path(6)
    still = np.tile(np.eye(4), (6, 1, 1))
    found = score_path(still, true)
    spread = true[:, :3, 3] - true[:, :3, 3].mean(0)
    assert found["scale"] == 1
    assert found["ate_mm"] == pytest.approx(np.sqrt((spread**2).sum(1).mean()))
    assert "direction_deg" not in found


def test_against_a_camera_that_stands_still_no_scale_hides_what_moved():
    found = score_path(path(6), np.tile(np.eye(4), (6, 1, 1)))
    assert not {"ate_share", "ate_mm", "scale", "snippets"} & found.keys()
    places = path(6)[:, :3, 3]
    expected = np.sqrt(((places - places.mean(0)) ** 2).sum(1).mean())
    assert found["ate_unscaled_mm"] == pytest.approx(expected)
    assert found["rotation_deg"] > 0


def test_a_straight_path_is_aligned_along_its_line():
    true = np.tile(np.eye(4), (5, 1, 1))
    true[:, 0, 3] = [0, 1, 2, 3, 4]
    other = np.tile(np.eye(4), (5, 1, 1))
    other[:, 1, 3] = [0, 2, 4, 6, 8]
    found = score_path(other, true)
    assert found["scale"] == pytest.approx(0.5)
    assert found["ate_mm"] == pytest.approx(0, abs=1e-12)
    assert found["direction_deg"] == pytest.approx(90)


def test_the_error_of_a_known_detour():
    """Positions 0, 1, 2 against 0, 1, 2 with the middle one aside by 3: no turn or shift helps."""
    true = np.tile(np.eye(4), (3, 1, 1))
    true[:, 0, 3] = [-10, 0, 10]
    aside = true.copy()
    aside[1, 2, 3] = 0.3
    found = score_path(aside, true)
    assert found["ate_mm"] == pytest.approx(0.3 * np.sqrt(2) / 3, rel=1e-3)  # about its mean
    assert found["path_mm"] == pytest.approx(20)
    assert found["ate_share"] == pytest.approx(found["ate_mm"] / 20)


def test_a_rotation_error_at_one_step_is_that_step_s():
    true = path(5, turn_deg=10)
    motions = steps(true)
    motions[2, :3, :3] = motions[2, :3, :3] @ Rotation.from_rotvec([0, 0.2, 0]).as_matrix()
    other = [true[0]]
    for motion in motions:
        other.append(other[-1] @ motion)
    found = score_path(np.array(other), true)
    assert found["rotation_max_deg"] == pytest.approx(np.degrees(0.2))
    assert found["rotation_deg"] == pytest.approx(np.degrees(0.2) / 4)
    assert found["rotation_median_deg"] == pytest.approx(0, abs=1e-5)


def test_snippets_are_scaled_each_and_divided_by_n():
    """Six frames: pieces from 0 (5 frames), 1 (5), 2 (4) and 3 (3), worked out by hand."""
    true, other = (np.tile(np.eye(4), (6, 1, 1)) for _ in range(2))
    true[:, 0, 3] = np.arange(6)
    other[:, 0, 3] = [0, 2, 4, 6, 8, 11]
    expected = []
    for begin, end in ((0, 5), (1, 6), (2, 6), (3, 6)):
        a = other[begin:end, 0, 3] - other[begin, 0, 3]
        b = true[begin:end, 0, 3] - true[begin, 0, 3]
        error = a * (a @ b) / (a @ a) - b
        expected.append((np.sqrt(error @ error), end - begin))
    found = score_snippets(other, true)
    assert found["count"] == 4
    assert found["ate_over_n"] == pytest.approx(np.mean([e / n for e, n in expected]))
    assert found["ate_over_sqrt_n"] == pytest.approx(np.mean([e / n**0.5 for e, n in expected]))
    assert found["ate_over_n_std"] == pytest.approx(np.std([e / n for e, n in expected]))
    assert expected[0][0] == pytest.approx(0, abs=1e-12)


def test_snippets_see_the_path_from_their_own_first_camera():
    """No rotation is fitted: a turned first camera is an error of the whole piece."""
    true = path(5)
    other = true.copy()
    other[0, :3, :3] = other[0, :3, :3] @ Rotation.from_rotvec([0, 0, np.pi / 2]).as_matrix()
    assert score_snippets(other, true)["rotation_rad"] > 0.4
    assert score_snippets(other, true)["ate_over_n"] > 0.1
