"""A run goes on with its own configuration, and what the command line changes in it is told."""

import csv
import shutil
from pathlib import Path

import cv2
import pytest
import torch
import yaml
from command_line import NETWORK, m3depth, succeed
from pair_files import write_pairs

OPTIONS = (
    *("experiment=m3depth", "data=folder", "data.size=[32,48]", "data.batch_size=1"),
    *("data.workers=0", *NETWORK, "trainer=cpu", "trainer.log_every_n_steps=1"),
    *(
        "trainer.max_epochs=1",
        "optimizer.lr=2e-4",
        "+callbacks.timer={_target_: pytorch_lightning.callbacks.Timer}",
    ),
)


@pytest.fixture(scope="module")
def finished(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    succeed("train", *OPTIONS, f"data.root={pairs}", f"output={output}")
    return output


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy, elsewhere: runs are moved."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def config(run: Path) -> dict[str, dict[str, object]]:
    return yaml.safe_load((run / "config.yaml").read_text())


def steps(run: Path) -> list[int]:
    with (run / "metrics.csv").open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_what_it_was_trained_on_is_kept(run: Path, pairs: Path):
    before, first = config(run), steps(run)
    told = succeed("train", f"output={run}", "checkpoint=last", "trainer.max_epochs=2")
    now = config(run)
    assert f"INFO resuming {run}: trainer.max_epochs 1 -> 2" in told.err
    assert told.err.count("INFO resuming") == 2
    assert now["data"] == before["data"]
    assert now["data"]["train"]["root"] == str(pairs)
    assert (now["trainer"]["max_epochs"], before["trainer"]["max_epochs"]) == (2, 1)
    assert now["objective"] == before["objective"]
    assert now["callbacks"].keys() == before["callbacks"].keys()
    assert now["callbacks"]["last"]["dirpath"] == f"{run}/checkpoints"
    assert steps(run) == list(range(2 * len(first)))
    assert (run / "metrics.json").is_file()


def test_an_option_that_others_refer_to_changes_them_too(run: Path, pairs: Path, tmp_path: Path):
    moved = Path(shutil.copytree(pairs, tmp_path / "moved"))
    given = (f"data.root={moved}", "trainer.max_epochs=2", "~callbacks.timer")
    told = succeed("train", f"output={run}", "checkpoint=last", *given)
    assert {config(run)["data"][name]["root"] for name in ("train", "val", "test")} == {str(moved)}
    assert f"data.train.root {pairs} -> {moved}" in told.err
    assert "timer" not in config(run)["callbacks"]


def test_other_data_come_without_the_options_of_those_before(run: Path):
    scenes = ("data=synthetic", "data.train.count=3", "data.val.count=2", "data.test.count=2")
    given = (*scenes, "data.size=[32,48]", "data.batch_size=1", "trainer.max_epochs=2")
    told = succeed("train", f"output={run}", "checkpoint=last", *given)
    assert "SyntheticPairs" in str(config(run)["data"]["train"]["_target_"])
    assert "root" not in config(run)["data"]
    assert f"resuming {run}: data.train.split none -> train" in told.err
    assert config(run)["optimizer"]["lr"] == 2e-4


def test_the_optimiser_s_rate_is_what_is_given(run: Path):
    given = ("optimizer.lr=1e-6", "trainer.max_epochs=2")
    succeed("train", f"output={run}", "checkpoint=last", *given)
    with (run / "metrics.csv").open(newline="") as file:
        rates = [float(row["lr-Adam"]) for row in csv.DictReader(file) if row["lr-Adam"]]
    assert rates[0] == 2e-4
    assert max(rates[-2:]) <= 1e-6


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        pytest.param(["network.encoder=test_convnext"], 2,
                     "network.encoder: test_resnet -> test_con", id="another network"),
        pytest.param(["optimizer._target_=torch.optim.SGD"], 2,
                     "optimizer._target_: torch.optim.Adam", id="another optimiser"),
        pytest.param([], 2, "for more give, say, trainer.max_epochs=2", id="finished"),
        pytest.param(["trainer.max_epochs=0"], 2, "a whole number from 1 on", id="no epoch"),
        pytest.param(["data.root=nowhere", "trainer.max_epochs=2"], 1, "nowhere: no such folder",
                     id="no data"),
        pytest.param(["overwrite=true"], 2, "give one", id="and begin anew"),
        pytest.param(["optimizer.lr=-1", "trainer.max_epochs=2"], 2,
                     "optimizer or scheduler: Invalid learning rate", id="no rate"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_every_byte(run: Path, given: list[str], status: int, said: str):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    told = m3depth("train", f"output={run}", "checkpoint=last", *given)
    assert told.status == status, told.err
    assert said in told.err.splitlines()[-1]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_multirun_goes_on_with_none(run: Path):
    told = m3depth("train", "-m", f"output={run}", "checkpoint=last", "seed=1,2")
    assert (told.status, "without -m" in told.line) == (2, True)


def test_without_its_file_the_checkpoint_says_the_configuration(run: Path, pairs: Path):
    (run / "config.yaml").unlink()
    shutil.rmtree(run / ".m3depth")
    succeed("train", f"output={run}", "checkpoint=last", "trainer.max_epochs=2")
    assert config(run)["data"]["train"]["root"] == str(pairs)
    assert config(run)["optimizer"]["lr"] == 2e-4


def test_a_logger_that_was_left_out_stays_out(run: Path):
    """However often it is said."""
    for epochs in (2, 3):
        given = ("checkpoint=last", "~logger", f"trainer.max_epochs={epochs}")
        told = succeed("train", f"output={run}", *given)
        assert config(run)["logger"] == {}
    assert ": logger" not in told.err
    succeed("train", f"output={run}", "checkpoint=last", "trainer.max_epochs=4")
    assert config(run)["logger"] == {}


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe", b"# made with [3]\noutput: a\n", b"a: 3\n", b"# made with {}\noutput: a\n"],
)
def test_a_configuration_that_is_none(run: Path, text: bytes):
    (run / "config.yaml").write_bytes(text)
    told = m3depth("train", f"output={run}", "checkpoint=last", "trainer.max_epochs=2")
    assert told.status == 1
    assert "config.yaml: " in told.line
    assert (run / "config.yaml").read_bytes() == text


def test_a_moved_run_keeps_its_best(run: Path):
    """The best score goes with the folder: a worse epoch does not take the best one's place."""
    last = run / "checkpoints/last.ckpt"
    saved = torch.load(last, weights_only=True)
    (state,) = [one for one in saved["callbacks"].values() if one.get("monitor")]
    assert not state["dirpath"].startswith(str(run))
    state["best_model_score"] = torch.tensor(1e-6)
    state["best_k_models"] = {path: torch.tensor(1e-6) for path in state["best_k_models"]}
    state["kth_value"] = torch.tensor(1e-6)
    torch.save(saved, last)
    best = (run / "checkpoints/best.ckpt").read_bytes()
    succeed("train", f"output={run}", "checkpoint=last", "trainer.max_epochs=2")
    assert (run / "checkpoints/best.ckpt").read_bytes() == best


def test_frames_of_before_stay_known_as_trained_on(run: Path, tmp_path: Path):
    """With another data set now, the weights have still learned from the one of then."""
    before = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["m3depth"]["trained_on"]
    other = write_pairs(tmp_path / "other", depth=False)
    for side in ("left", "right"):
        for file in sorted((other / side).iterdir()):
            cv2.imwrite(str(file), 255 - cv2.imread(str(file)))
    given = (f"data.root={other}", "trainer.max_epochs=2", "check=off")
    succeed("train", f"output={run}", "checkpoint=last", *given)
    now = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["m3depth"]["trained_on"]
    assert set(before) < set(now)


def test_the_jobs_of_a_multirun_go_on_one_by_one(run: Path, tmp_path: Path):
    """Composed of what is typed alone, each would go on with the default data."""
    shutil.move(run, tmp_path / "many/seed=1")
    before = (tmp_path / "many/seed=1/config.yaml").read_bytes()
    given = ("-m", "seed=1,2", "checkpoint=last", "trainer.max_epochs=2")
    told = m3depth("train", f"output={tmp_path}/many", *given)
    assert told.status == 2
    assert f"goes on with one run: output={tmp_path}/many/seed=1, without -m" in told.line
    assert (tmp_path / "many/seed=1/config.yaml").read_bytes() == before
