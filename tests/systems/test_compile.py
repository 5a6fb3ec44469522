"""A compiled network trains."""

import shutil
from pathlib import Path

import pytest
from command_line import m3depth_process

RUN = (
    *("train", "objective=monodepth", "debug=two_steps", "compile=true"),
    *("network.encoder=test_resnet", "network.widths=[16,16,8,8,8]"),
    *("data.train.count=8", "data.val.count=2", "data.test.count=2", "data.size=[32,48]"),
    *("data.batch_size=4", "trainer.accelerator=cpu"),
)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler on the path")
def test_two_steps(tmp_path: Path):
    told = m3depth_process(*RUN, f"output={tmp_path}/run", cwd=tmp_path)
    assert told.status == 0, told.err
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
