"""A student that learns from pairs and from what its teachers agree on."""

import csv
from pathlib import Path

import pytest
import torch
from command_line import NETWORK, SCENES, TINY, m3depth, m3depth_process, succeed
from omegaconf import OmegaConf
from pair_files import write_pairs

from m3depth.data.augmentation import Augmentation
from m3depth.data.fields import collate
from m3depth.data.ignore import Ignore
from m3depth.data.resolution import CoarseToFine
from m3depth.data.synthetic import SyntheticPairs
from m3depth.losses.labelled import DepthTerm, LabelObjective
from m3depth.losses.logarithmic import silog
from m3depth.losses.objective import Objective
from m3depth.losses.terms import LeftRight
from m3depth.systems.taught import TaughtDepth
from m3depth.types import Disparity
from m3depth.types.disparity import disparity_from_depth

STUDENT = (*TINY, "data.workers=0", "network.pretrained=false", "debug=two_steps")
PAIRS = SyntheticPairs("train", 2, (32, 48), cache=False)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network."""
    folder = tmp_path_factory.mktemp("teacher")
    succeed("train", *TINY, "debug=two_steps", f"output={folder}")
    return folder / "checkpoints/best.ckpt"


@pytest.fixture(scope="module")
def student(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of its student; the tolerance is wide, for two steps teach nobody depth."""
    folder = tmp_path_factory.mktemp("student")
    succeed(
        *("train", "experiment=distill", *STUDENT, f"teacher.checkpoint={teacher}"),
        *("data.labels.tolerance=1", f"output={folder}"),
    )
    return folder


def test_both_groups_of_terms_are_logged(student: Path):
    with (student / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for stage in ("train", "val"):
        shares = [
            [float(row[f"{stage}/{term}"]) for row in rows if row.get(f"{stage}/{term}")]
            for term in ("photometric", "left_right", "smoothness", "error", "icp", "label_silog")
        ]
        total = [float(row[f"{stage}/loss"]) for row in rows if row.get(f"{stage}/loss")]
        assert min(shares[-1]) > 0
        assert total == pytest.approx([sum(step) for step in zip(*shares, strict=True)], rel=1e-4)


def test_the_student_predicts_without_its_teacher(student: Path, teacher: Path, tmp_path: Path):
    saved = OmegaConf.load(student / "config.yaml")
    assert saved.teacher.checkpoint == str(teacher)
    succeed(
        *("evaluate", f"checkpoint={student}/checkpoints/best.ckpt", "data=synthetic"),
        *(*SCENES, f"output={tmp_path}/out"),
    )
    assert (tmp_path / "out/metrics.json").is_file()


@pytest.mark.parametrize("teacher", ["matcher", None])
def test_labels_of_the_matcher_or_of_the_data_teach_alone(teacher: str | None, tmp_path: Path):
    chosen = [] if teacher is None else [f"teacher={teacher}"]
    succeed("train", "system=distill", *STUDENT, *chosen, f"output={tmp_path}")
    assert "label_silog" in (tmp_path / "metrics.csv").read_text()


def test_without_a_teacher_the_data_s_own_labels_teach(tmp_path: Path):
    succeed("train", "experiment=distill", *STUDENT, "teacher=null", f"output={tmp_path}")
    assert "teachers" not in (tmp_path / "config.yaml").read_text()


def test_a_folder_of_depth_teaches_a_folder_of_pairs(tmp_path: Path):
    """Files that two loading processes read; the pairs' own depth is not looked at."""
    pairs = write_pairs(tmp_path / "pairs", depth=False)
    depth = write_pairs(tmp_path / "others") / "depth"
    run = ("train", "experiment=distill", "teacher=folder", "data=folder")
    small = ("data.size=[32,48]", "data.batch_size=2", "data.workers=2", "debug=two_steps")
    quick = ("trainer=cpu", "network.pretrained=false", *NETWORK[1:])
    given = (f"data.root={pairs}", f"teacher.predictions={depth}", f"output={tmp_path}/run")
    found = m3depth_process(*run, *small, *quick, *given, cwd=tmp_path)
    assert found.status == 0, found.err
    assert "label_silog" in (tmp_path / "run/metrics.csv").read_text()


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_a_mirrored_pair_keeps_its_label(mirror: float):
    """The true disparities cost nothing, whichever view the label ends up in."""
    batch = collate([PAIRS[0], PAIRS[1]], TaughtDepth.needs)
    augmentation = Augmentation(mirror=mirror, recolour=1.0)
    system = TaughtDepth(
        LabelObjective({"silog": DepthTerm(1.0, silog)}),
        network=torch.nn.Identity(),
        objective=Objective({"nothing": LeftRight(weight=0.0)}),
        ignore=Ignore(),
        resolution=CoarseToFine(),
        augmentation=augmentation,
        optimizer=torch.optim.SGD,
        scheduler=torch.optim.lr_scheduler.ConstantLR,
    )
    clean, _ = augmentation(batch)
    px = disparity_from_depth(batch["depth_label"].depth, batch["rig"]) / 48
    wrong = torch.full_like(px, 0.2)
    both = (px, wrong) if mirror == 0 else (wrong, px.flip(-1))
    assert float(system._losses([Disparity(*both)], clean, batch).total) == pytest.approx(
        0, abs=1e-4
    )
    assert float(system._losses([Disparity(*both[::-1])], clean, batch).total) > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["experiment=distill"], "teacher.checkpoint= must be given"),
        (["experiment=distill", "teacher.checkpoint=nowhere.ckpt"], "checkpoint=nowhere.ckpt"),
        (
            ["system=distill", "teacher=matcher", "data.labels.teachers.matcher=null"],
            "no teacher is left",
        ),
        (
            ["system=distill", "teacher=matcher", "data.labels.tolerance=-1"],
            "data.labels.tolerance",
        ),
        (["system=distill", "teacher=folder", "teacher.predictions=nowhere"], "no such folder"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str, tmp_path: Path):
    found = m3depth("train", *STUDENT, *arguments, f"output={tmp_path}/out")
    assert found.status
    assert words in found.line


def test_the_teachers_run_is_not_replaced_by_the_students(teacher: Path):
    own = ("experiment=distill", f"teacher.checkpoint={teacher}", "overwrite=true")
    found = m3depth("train", *STUDENT, *own, f"output={teacher.parents[1]}")
    assert found.status
    assert "teachers.network" in found.line
    assert teacher.is_file()
