"""Every file of conf/ composes, builds what it says, and refuses what it does not know."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from command_line import NETWORK, SCENES, m3depth, succeed
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor
from torch.utils.data import default_collate

from m3depth.benchmarks.known_scenes import Known, builtin
from m3depth.cli.configuration import configuration
from m3depth.data.module import StereoData
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.styles import PELVIS
from m3depth.geometry.motion import landing
from m3depth.geometry.rebuilding import Source, TargetViews, rebuild_target
from m3depth.geometry.synthesis import Views, synthesise
from m3depth.losses.labelled import Labelled
from m3depth.losses.objective import WeightedTerms
from m3depth.losses.points.correspondences import projective
from m3depth.networks.configuration import built as built_network
from m3depth.networks.configuration import without_pretraining
from m3depth.networks.metric import Metric
from m3depth.systems.build import build_system
from m3depth.types import DepthMap, Kind
from m3depth.types.label import DepthLabel

CONF = configuration()
DATA = CONF.parents[1] / "shared/data"
SHARED = ("base", "source_options")
VERBS = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem not in SHARED)
GROUPS = sorted(str(path.relative_to(CONF).with_suffix("")) for path in CONF.glob("*/**/*.yaml"))
OF_VIDEO = ("endosfm3d", "video", "video_stereo")  # tests/systems/test_video_runs.py
EXPERIMENTS = [
    name.split("/", 1)[1]
    for name in GROUPS
    if name.startswith("experiment/") and not name.endswith(OF_VIDEO)
]
OF_OTHER_VERBS = {  # groups that `train` does not read
    "writer": "export",
    "benchmark": "bench",
    "target": "check_prior",
    "source": "export",
    "splat_objective": "splat",
    "motion": "reconstruct",
    "lamp": "reconstruct",
    "levels": "adapt",
}
CHOICES = {  # what a verb has no default for
    "bench": ["benchmark=train_step"],
    "check_prior": ["target=npz"],
}


def composed(verb: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(verb, [*overrides, "output=somewhere"])


def composed_group(option: str) -> DictConfig:
    group, name = option.split("/", 1)
    return composed(OF_OTHER_VERBS.get(group, "train"), f"{group}={name}")


def test_the_groups_are_the_ones_that_the_issue_names():
    named = "data network objective optimizer scheduler trainer callbacks logger experiment debug"
    assert set(named.split()) <= {option.split("/")[0] for option in GROUPS}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_composes(verb: str):
    assert composed(verb, *CHOICES.get(verb, [])).output == "somewhere"


@pytest.mark.parametrize("option", GROUPS)
def test_every_file_composes_and_resolves(option: str):
    config = composed_group(option)
    if "data" in config and OmegaConf.is_missing(config.data, "root"):
        config.data.root = "somewhere"
    for name in ("checkpoint", "input", "scene"):
        if OmegaConf.is_missing(config, name):
            config[name] = "something"
    for name in ("checkpoint", "predictions"):
        if "teacher" in config and OmegaConf.is_missing(config.teacher, name):
            config.teacher[name] = "something"
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def built(option: str, **changes: object) -> Any:
    group, _ = option.split("/")
    config = composed_group(option)
    OmegaConf.set_struct(config, False)
    OmegaConf.resolve(config[group])
    return instantiate(OmegaConf.merge(config[group], changes))


def options(group: str) -> list[str]:
    return [one for one in GROUPS if one.startswith(f"{group}/") and one.count("/") == 1]


def composed_network(option: str) -> Any:
    return OmegaConf.to_container(composed_group(option), resolve=True)["network"]


LARGE = (
    "depth_",
    "midas_",
    "zoedepth",
    "endosfm3d",
)  # up to a billion weights: tests/networks/foundation


@pytest.mark.parametrize(
    "option",
    [one for one in options("network") if not one.removeprefix("network/").startswith(LARGE)],
)
def test_every_network_predicts(option: str):
    network = built_network(without_pretraining(composed_network(option))).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 64, 96))[0].values.shape == (1, 1, 64, 96)


def test_the_packaged_weights_are_in_the_network_that_names_them():
    """The stem's of ImageNet: whatever the seed, and not what a new network draws."""
    stems = []
    for seed, pretrained in ((1, True), (2, True), (3, False)):
        torch.manual_seed(seed)
        config = composed_network("network/efficientnet_lite0")
        if not pretrained:
            config = without_pretraining(config)
        stems.append(next(built_network(config).encoder.parameters()))
    assert stems[0].equal(stems[1])
    assert not stems[0].allclose(stems[2], atol=0.01)


@pytest.fixture(scope="module")
def known() -> Known:
    return builtin(2, (64, 80), PELVIS, tools=False)


@pytest.mark.parametrize("option", options("objective"))
def test_every_objective_prefers_the_truth(option: str, known: Known):
    objective = built(option)
    off = known.true.left * torch.linspace(0.7, 1.3, 80)
    near, far = (objective([seen(objective, known, one)] * 4) for one in (known.true.left, off))
    assert near.terms.keys() == objective.terms.keys()
    assert 0 <= near.total < far.total


def seen(
    objective: WeightedTerms[Any], known: Known, left: Tensor
) -> Views | Labelled | TargetViews:
    """What the objective looks at, with the left view's disparity given."""
    if objective.looks_at is Views:
        return synthesise(known.batch, known.true._replace(left=left))
    if objective.looks_at is TargetViews:
        return right_view_as_source(known, left)
    true, given = (
        DepthMap(one, Kind.FRACTION, camera=known.batch["rig"]) for one in (known.true.left, left)
    )
    return Labelled(given, DepthLabel.of(true))


def right_view_as_source(known: Known, left: Tensor) -> TargetViews:
    """A clip whose other frame is the right view, with the flow that the truth has."""
    batch, rig = known.batch, known.batch["rig"]
    baseline = torch.eye(4).repeat(len(left), 1, 1)
    baseline[:, 0, 3] = -rig.baseline_mm
    true, given = (
        DepthMap(one, Kind.FRACTION, camera=rig).to(Kind.INVERSE_DEPTH).values
        for one in (known.true.left, left)
    )
    moved = landing(1 / true, baseline, rig, rig)
    flow = moved.flow_px(), moved.visible
    source = Source(batch["right"], baseline, rig, rig, None, *flow, inverse_depth=true)
    return rebuild_target(batch["left"], None, given, (source,), progress=0.0)


@pytest.mark.parametrize("option", options("augmentation"))
def test_every_augmentation_but_none_changes_what_the_network_sees(option: str, known: Known):
    one_view = {name: value for name, value in known.batch.items() if name != "right"}
    label = DepthLabel.of(DepthMap(known.true.left, Kind.FRACTION, camera=known.batch["rig"]))
    clean, seen = built(option)({**one_view, "depth_label": label})
    assert seen.shape == known.batch["left"].shape
    assert seen.equal(clean["left"]) == (option == "augmentation/none")


@pytest.mark.parametrize("option", options("ignore"))
def test_every_way_to_ignore_marks_what_it_should(option: str):
    one = SyntheticPairs("train", 1, (64, 80), cache=False)[0]
    marked = built(option)(default_collate([one])).get("ignore")
    assert (marked is None) == (option == "ignore/none")
    assert marked is None or (marked.any() and not marked.all())


def test_the_objectives_differ_by_the_3d_term_and_softened_images():
    flat, full, paper = (built(f"objective/{o}").terms for o in ("monodepth", "rig", "m3depth"))
    assert full.keys() - flat.keys() == {"icp"}
    assert paper["icp"].weight == 1e-3
    assert paper["icp"].points.count == paper["icp"].correspondences.points.count == 1000
    assert full["icp"].correspondences is projective
    assert {name: paper[name] for name in flat} == dict(flat)
    soft = {**flat, "photometric": replace(flat["photometric"], softened=1)}
    assert {name: full[name] for name in flat} == soft


@pytest.mark.parametrize("option", options("optimizer"))
@pytest.mark.parametrize("schedule", options("scheduler"))
def test_every_optimizer_takes_every_schedule(option: str, schedule: str):
    optimizer = built(option)([torch.zeros(2, requires_grad=True)])
    scheduler = built(schedule)(optimizer, 10)
    rates = []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert min(rates) > 0
    assert rates[-1] < max(rates)


@pytest.mark.parametrize("option", options("trainer"))
def test_every_trainer_builds(option: str, monkeypatch: pytest.MonkeyPatch):
    """The GPU's files as they are for a machine without one, but for the accelerator."""
    config = composed_group(option).trainer
    if config.accelerator == "gpu" and not torch.cuda.is_available():
        config.accelerator, config.devices = "cpu", 1
    assert isinstance(instantiate(config, logger=False), pl.Trainer)


@pytest.mark.parametrize("option", options("logger"))
def test_every_logger_builds(option: str, tmp_path: Path):
    config = composed_group(option)
    config.output = str(tmp_path)
    if "wandb" in config.logger:
        config.logger.wandb.offline = True
    for one in config.logger.values():
        assert isinstance(instantiate(one), pl.loggers.Logger)


@pytest.mark.parametrize("option", options("callbacks"))
def test_every_callback_builds(option: str):
    for one in composed_group(option).callbacks.values():
        assert isinstance(instantiate(one), pl.Callback)


@pytest.mark.parametrize("option", options("protocol"))
def test_every_protocol_says_its_own_name(option: str):
    ((name, protocol),) = built(option).items()
    assert f"protocol/{name}" == f"protocol/{protocol.name}" == option


@pytest.mark.parametrize("option", options("writer"))
def test_every_writer_writes_where_it_is_told(option: str, tmp_path: Path):
    folder = tmp_path / "stereo_scene"
    assert built(option, directory=str(folder)).folder == folder


def small(data: DictConfig, size: tuple[int, int] = (32, 48)) -> None:
    """As few and as small pictures as a data set of conf/ allows."""
    data.size, data.workers = list(size), 0
    for split in ("train", "val", "test"):
        pairs = data[split].get("pairs", data[split])
        if "count" in pairs:
            pairs.count = 2


def in_our_layouts(option: str) -> bool:
    """Other layouts and clips build from their miniatures, in tests/data/readers and clips."""
    data = composed_group(option).data
    if option.endswith(("clips", "zooming_clip")):
        return False
    return not OmegaConf.is_missing(data, "root") or "FolderPairs" in data.train._target_


@pytest.mark.parametrize("option", list(filter(in_our_layouts, options("data"))))
def test_every_data_set_builds(option: str, pairs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("M3DEPTH_DATA", str(DATA))
    config = composed_group(option)
    if OmegaConf.is_missing(config.data, "root"):
        config.data.root = str(pairs)
    elif "root" in config.data and not Path(config.data.root).is_dir():
        pytest.skip(f"needs the real pairs in {config.data.root}")
    small(config.data)
    data = instantiate(config.data)
    assert isinstance(data, StereoData)
    for split in (data.train, data.val, data.test):
        assert split[0]["left"].shape == (3, 32, 48)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_takes_a_step(
    experiment: str, pairs: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("M3DEPTH_DATA", str(pairs.parent))
    chosen = composed("train", f"experiment={experiment}")
    inner = "network.network" if "network" in chosen.network else "network"
    tiny = (one.replace("network", inner, 1) for one in (*NETWORK[1:], "network.pretrained=false"))
    config = composed("train", f"experiment={experiment}", *tiny, "data.batch_size=2")
    small(config.data, (64, 96))  # some experiments begin at half the size
    if "labels" in config.data:  # without a teacher the data's own depth teaches
        config.data.labels = None
    built_in = "count" in config.data.train.get("pairs", config.data.train)
    data = instantiate(config.data) if built_in else folder(pairs)
    system = build_system(config)
    data.needs = system.needs
    before = {name: value.clone() for name, value in system.named_parameters()}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(accelerator="cpu", fast_dev_run=1, **quiet)
    trainer.fit(system, data)
    for term in ("loss", *config.objective.terms):
        assert trainer.callback_metrics[f"train/{term}"].isfinite()
    assert trainer.callback_metrics["train/loss"] > 0
    moved = {name for name, value in system.named_parameters() if not value.equal(before[name])}
    if not isinstance(system.network, Metric):  # whose own head takes their place
        assert {name for name in before if ".heads." in name} <= moved


def folder(pairs: Path) -> StereoData:
    """In place of the real pairs, which not every machine has."""
    config = composed("train", "data=folder", f"data.root={pairs}", "data.batch_size=2")
    small(config.data, (64, 96))
    return instantiate(config.data)


@pytest.mark.parametrize("experiment", ["demo", "real_pairs", "single_pair"])
def test_an_experiment_of_each_kind_of_data_runs(
    experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("M3DEPTH_DATA", str(DATA))
    data = composed("train", f"experiment={experiment}").data
    if "root" in data and not Path(data.root).is_dir():
        pytest.skip(f"needs the real pairs in {data.root}")
    counts = SCENES if "count" in data.train else ("data.size=[128,160]",)
    arguments = (*NETWORK[1:], "network.pretrained=false", *counts, "debug=two_steps")
    succeed(
        *("train", f"experiment={experiment}", *arguments),
        *("trainer.accelerator=cpu", "trainer.precision=32-true", "data.workers=0"),
        f"output={tmp_path}",
    )
    for name in ("config.yaml", "metrics.json", "metrics.csv", "report.html"):
        assert (tmp_path / name).is_file()
    heading, *steps = (tmp_path / "metrics.csv").read_text().splitlines()
    assert len(steps) == 2
    assert "train/icp" in heading


BAD = {
    "an unknown key": ["trainer.max_epoch=3"],
    "a key of nothing": ["nonsense=1"],
    "an unknown option": ["network=resnet9000"],
    "an unknown group": ["netwrok=resnet18"],
    "an unknown experiment": ["experiment=nothing"],
    "no key at all": ["justaword"],
    "an unknown encoder": ["network.encoder=resnet9000"],
    "weights of nowhere": ["network.pretrained=no_such_package"],
    "an unknown class": ["network._target_=m3depth.networks.monodepth.Nonsense"],
    "a word for a number": ["data.batch_size=many"],
    "a negative number": ["data.batch_size=-1"],
    "an argument that is not taken": ["+network.depth=18"],
    "an impossible size": ["data.size=[0,48]"],
    "too few numbers": ["data.size=[32]"],
    "an unknown split": ["data.train.split=holdout"],
    "no frame": ["data.train.count=0"],
    "a stage without its end": ["resolution.shrink=[2]"],
    "a picture shrunk to nothing": ["resolution.shrink=[0]", "resolution.until=[1]"],
    "an unknown precision": ["trainer.precision=17"],
    "an unknown accelerator": ["trainer.accelerator=abacus"],
    "a monitor that is not logged": ["callbacks.checkpoint.monitor=val/nonsense"],
    "a stop that watches nothing": ["callbacks.early_stopping.monitor=val/nonsense"],
}


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_in_the_settings_is_one_line_and_status_2(mistake: str, tmp_path: Path):
    tiny = (*NETWORK, *SCENES, "trainer=cpu", "debug=two_steps", f"output={tmp_path}/out")
    told = m3depth("train", *tiny, *BAD[mistake])
    assert told.line.startswith("m3depth train: ")
    assert BAD[mistake][0].split("=")[-1].strip("[]").split(",")[0] in told.line or (
        BAD[mistake][0].lstrip("+").split("=")[0].split(".")[-1] in told.line
    )
    assert told.status == 2


@pytest.mark.parametrize(
    ("verb", "missing"),
    [("evaluate", "checkpoint"), ("predict", "input= must be given"), ("export", "checkpoint")],
)
def test_what_a_verb_cannot_do_without_is_named(verb: str, missing: str):
    told = m3depth(verb)
    assert told.status == 2
    assert missing in told.line
