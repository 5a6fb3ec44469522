import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from stereo_fakes import batched

from m3depth.evaluation.surface_metrics import (
    cloud_distances,
    normals,
    score_cloud,
    score_frontal,
    score_normals,
)
from m3depth.types.camera import StereoRig

RIG = batched(StereoRig.of(100.0, 90.0, 30.0, 22.0, 30.0, 5.0))
EVERYWHERE = torch.ones(1, 1, 40, 60, dtype=torch.bool)


def slanted(normal: tuple[float, float, float], distance_mm: float) -> torch.Tensor:
    """The depth of the plane ``normal · point = -distance_mm`` (the normal towards the camera)."""
    y, x = np.mgrid[:40, :60]
    ray = np.stack([(x - 30) / 100, (y - 22) / 90, np.ones_like(x)])
    depth = -distance_mm / np.tensordot(np.array(normal) / np.linalg.norm(normal), ray, axes=1)
    return torch.from_numpy(depth)[None, None]


def bumps(seed: int) -> torch.Tensor:
    return 60 + 10 * torch.rand(1, 1, 40, 60, generator=torch.Generator().manual_seed(seed))


def numpy_points(depth: torch.Tensor) -> np.ndarray:
    z = depth[0, 0].double().numpy()
    y, x = np.mgrid[:40, :60]
    return np.stack([(x - 30) / 100 * z, (y - 22) / 90 * z, z], axis=-1)


def test_normals_of_a_plane_are_its_own() -> None:
    normal = np.array([0.2, -0.3, -1.0])
    y, x = torch.meshgrid(torch.arange(1, 39), torch.arange(1, 59), indexing="ij")
    found = normals(slanted((0.2, -0.3, -1.0), 60), x.flatten(), y.flatten(), RIG)
    expected = torch.from_numpy(normal / np.linalg.norm(normal))
    assert torch.allclose(found, expected.expand_as(found), atol=1e-9)


def test_the_angle_between_two_planes() -> None:
    one, other = slanted((0, 0, -1.0), 60), slanted((0, np.tan(np.radians(12)), -1.0), 55)
    assert score_normals(one, other, EVERYWHERE, EVERYWHERE, RIG)["normal_deg"] == pytest.approx(
        12, abs=1e-6
    )


def test_normal_error_agrees_with_numpy() -> None:
    predicted, true = bumps(0), bumps(1)
    counts = torch.rand(1, 1, 40, 60, generator=torch.Generator().manual_seed(2)) > 0.1
    angles = []
    c = counts[0, 0].numpy()
    clouds = numpy_points(predicted), numpy_points(true)
    for y in range(1, 39):
        for x in range(1, 59):
            if c[y, x] and c[y, x - 1] and c[y, x + 1] and c[y - 1, x] and c[y + 1, x]:
                n = [np.cross(p[y, x + 1] - p[y, x - 1], p[y + 1, x] - p[y - 1, x]) for p in clouds]
                cosine = n[0] @ n[1] / np.linalg.norm(n[0]) / np.linalg.norm(n[1])
                angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    found = score_normals(predicted, true, EVERYWHERE, counts, RIG)["normal_deg"]
    assert found == pytest.approx(np.mean(angles), abs=1e-6)


def test_no_pixel_with_its_neighbours_no_normal_error() -> None:
    chequered = torch.zeros_like(EVERYWHERE)
    chequered[..., ::2, ::2] = True
    assert score_normals(bumps(0), bumps(0), EVERYWHERE, chequered, RIG) == {}


def test_holes_have_no_normal_and_their_share_is_told() -> None:
    """A hole taken for depth 0 has "normals" that face the camera, and beat a network's."""
    true = slanted((0.2, -0.3, -1.0), 60)
    given = EVERYWHERE.clone()
    given[..., 30:] = False
    holed = torch.where(given, true, 1e-3)
    found = score_normals(holed, true, given, EVERYWHERE, RIG)
    assert found["normal_deg"] == pytest.approx(0, abs=1e-6)
    assert found["normal_share"] == pytest.approx(28 / 58)  # columns with a given neighbour
    nothing = score_normals(true, true, ~EVERYWHERE, EVERYWHERE, RIG)
    assert nothing == {"normal_share": 0.0}


def test_the_frontal_baseline_is_a_plane_that_faces_the_camera() -> None:
    tilted = slanted((0, np.tan(np.radians(25)), -1.0), 55)
    assert score_frontal(tilted, EVERYWHERE, RIG) == {"normal_deg": pytest.approx(25, abs=1e-6)}
    assert score_frontal(tilted, ~EVERYWHERE, RIG) == {}
    facing = score_normals(slanted((0, 0, -1.0), 60), bumps(1), EVERYWHERE, EVERYWHERE, RIG)
    frontal = score_frontal(bumps(1), EVERYWHERE, RIG)
    assert frontal["normal_deg"] == pytest.approx(facing["normal_deg"])


def test_cloud_distances_agree_with_numpy() -> None:
    predicted, true = bumps(0), bumps(1)
    counts = torch.rand(1, 1, 40, 60, generator=torch.Generator().manual_seed(2)) > 0.3
    found = score_cloud(predicted, true, counts, counts, RIG)
    p, t = (numpy_points(depth)[counts[0, 0].numpy()] for depth in (predicted, true))
    between = cdist(p, t)
    there, back = between.min(axis=1), between.min(axis=0)
    expected = {"accuracy_mm": there.mean(), "completeness_mm": back.mean()}
    expected["chamfer_mm"] = (there.mean() + back.mean()) / 2
    for near in (1, 2, 5):
        precision, recall = (there < near).mean(), (back < near).mean()
        expected[f"fscore_{near}mm"] = 2 * precision * recall / (precision + recall)
    assert found == pytest.approx(expected, abs=1e-6)
    assert 0 < found["fscore_1mm"] < found["fscore_5mm"]


def test_a_perfect_cloud_whatever_is_left_out() -> None:
    many = torch.full((1, 1, 400, 600), 50.0)  # more than are asked
    found = score_cloud(many, many, many > 0, many > 0, RIG)
    assert found == {
        **dict.fromkeys(("accuracy_mm", "completeness_mm", "chamfer_mm"), 0.0),
        **dict.fromkeys(("fscore_1mm", "fscore_2mm", "fscore_5mm"), 1.0),
    }


def test_a_cloud_with_a_hole_is_less_complete_but_as_accurate() -> None:
    given = EVERYWHERE.clone()
    given[..., 30:] = False
    found = score_cloud(bumps(0), bumps(0), given, EVERYWHERE, RIG)
    assert found["accuracy_mm"] == 0
    assert found["completeness_mm"] > 1


def test_far_clouds_share_nothing() -> None:
    line = np.array([[0.0, 0.0, 50.0], [1.0, 0.0, 50.0]])
    found = cloud_distances(line + np.array([0, 0, 30]), line)
    assert (found["accuracy_mm"], found["fscore_5mm"]) == (30, 0)
