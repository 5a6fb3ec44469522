"""A setting that there is not is refused, with the nearest that there is; null says: without."""

import pytest
from command_line import m3depth

from m3depth.cli.configuration import configuration
from m3depth.cli.keys import checked
from m3depth.errors import ConfigError

UNKNOWN = {  # and what the line names
    "train optimiser.lr=1": "optimizer.lr",
    "train +optimiser.lr=1": "optimizer.lr",
    "train ++optimiser.lr=1": "optimizer.lr",
    "train ~optimizer.rl": "optimizer.lr",
    "train +foo=1": "foo: no such setting",
    "train lr=1e-3": "optimizer.lr",
    "train epochs=3": "trainer.max_epochs",
    "train trainer.max_epoch=3": "trainer.max_epochs",
    "train +trainer.max_epoch=3": "trainer.max_epochs",
    "train data.batchsize=3": "data.batch_size",
    "train +data.batchsize=3": "data.batch_size",
    "train trainer.fast_dev_run=true": "+trainer.fast_dev_run=true adds it",
    "train netwrok=resnet18": "network",
    "train network=resnet81": "resnet18",
    "train +callbacks.mine=3": "callbacks.mine",
    "train +logger.wandb.ofline=true logger=wandb": "logger.wandb.offline",
    "train callbacks.checkpoint=3": "callbacks.checkpoint.dirpath=",
    "evaluate +network=resnet18": "network: no such setting",
    "evaluate experiment=demo": "experiment: no such setting",
    "train data.train._target_=m3depth.data.packed.PackedFrames ++data.train.worker=1": "workers",
    "predict inptu=x": "input",
    "export tile=2": "tiles",
    "splat +recipe.rates.foo=3": "recipe.rates.foo",
    "splat smooth=3": "smooth: no such setting",
    "bench loader run_=3": "run_",
    "check checks.rotatoin.warning_deg=1": "checks.rotation",
}
TAKEN = [
    "train data.train._target_=m3depth.data.packed.PackedFrames ++data.train.folder=x",
    *("train +trainer.fast_dev_run=true", "train ++optimizer.lr=1", "train +experiment=demo"),
    "train ignore=endoscope +ignore.parts.overlay={_target_:a.B,file:c.png}",
    "train +ignore.parts.overlay={_target_:a.B,file:c.png}",
    "train +callbacks.mine={_target_:a.B,depth:1} callbacks.mine.depth=3",
    "train logger=wandb +logger.wandb.tags=[a]",
    "train experiment=ablation/rig objective.terms.icp.weight=0",
    "evaluate protocol=[unscaled,afsfm] data=folder data.root=x",
    "train hydra.job_logging.root.level=DEBUG",
]
NULLS = {
    "train callbacks.early_stopping=null": ["~callbacks.early_stopping"],
    "train objective.terms.icp=null": ["~objective.terms.icp"],
    "train logger=null": ["~logger", "++logger={}"],
    "train ~callbacks": ["~callbacks", "++callbacks={}"],
    "train experiment=null": [],
    "predict rig=null": ["rig=null"],
}
NEEDED = {
    "train trainer=null": "trainer=null: train needs one: cpu, ddp, default, gpu",
    "train ~optimizer": "optimizer=null: train needs one",
    "evaluate protocol=null": "protocol=null: evaluate needs one",
    "evaluate protocol=[]": "protocol=[]: evaluate needs one",
    "export smoothing=null": "smoothing=null: has settings of its own, as smoothing.radius=",
    "train objective.terms.icp.points=null": "objective.terms.icp.points.count=",
}


def settings(line: str) -> list[str]:
    verb, *rest = line.split()
    return checked(configuration(), verb, rest)


@pytest.mark.parametrize("line", UNKNOWN)
def test_an_unknown_setting_is_one_line_and_status_2(line: str):
    told = m3depth(*line.split())
    assert told.status == 2
    assert UNKNOWN[line] in told.line
    assert "To append" not in told.line


@pytest.mark.parametrize("line", TAKEN)
def test_what_a_constructor_takes_may_be_added(line: str):
    kept = settings(line)
    assert {one.lstrip("+") for one in kept} == {one.lstrip("+") for one in line.split()[1:]}


@pytest.mark.parametrize("line", NULLS)
def test_null_leaves_a_part_out(line: str):
    assert settings(line) == NULLS[line]


@pytest.mark.parametrize("line", NEEDED)
def test_what_cannot_be_left_out_is_said_to_be_needed(line: str):
    with pytest.raises(ConfigError) as told:
        settings(line)
    assert NEEDED[line] in str(told.value)


def test_several_values_without_m_say_so():
    told = m3depth("train", "seed=1,2")
    assert told.status == 2
    assert "seed=1,2: several values need -m" in told.line
