"""A damaged or strange checkpoint is one line, which does not advise to run what is in it."""

import os
import pickle
from pathlib import Path

import pytest
import torch

from m3depth.errors import UserError
from m3depth.io.torch_files import read_torch_file


def written(path: Path, content: object) -> bytes:
    torch.save(content, path)
    return path.read_bytes()


def test_tensors_come_back(tmp_path: Path):
    written(tmp_path / "a.ckpt", {"a": torch.arange(3), "b": [1, "c"]})
    read = read_torch_file(tmp_path / "a.ckpt", "checkpoint=a")
    assert read["a"].tolist() == [0, 1, 2]
    assert read["b"] == [1, "c"]


@pytest.mark.parametrize("kind", ["empty", "text", "noise", "half", "hole", "pickle", "module"])
def test_what_is_no_checkpoint_is_one_line(kind: str, tmp_path: Path):
    whole = written(tmp_path / "whole", {"a": torch.zeros(5000)})
    content = {
        "empty": b"",
        "text": b"epoch 3\nloss 0.2\n",
        "noise": bytes(range(256)) * 9,
        "half": whole[: len(whole) // 2],
        "hole": whole[:100] + bytes(40) + whole[140:],
        "pickle": pickle.dumps(os.system),
        "module": written(tmp_path / "module", {"net": torch.nn.Linear(2, 2)}),
    }
    path = tmp_path / "odd.ckpt"
    path.write_bytes(content[kind])
    with pytest.raises(UserError) as told:
        read_torch_file(path, f"checkpoint={path}")
    line = str(told.value)
    assert line.startswith(f"checkpoint={path}: cannot be read: ")
    assert "weights_only" not in line
    assert "\n" not in line
    assert ("could run code" in line) == (kind == "module")


def test_a_run_in_place_of_its_checkpoint(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UserError, match=r"is a folder$"):
        read_torch_file(tmp_path, "checkpoint=RUN")
    (tmp_path / "checkpoints/best.ckpt").touch()
    with pytest.raises(UserError, match=r"is a folder; give .*checkpoints/best\.ckpt"):
        read_torch_file(tmp_path, "checkpoint=RUN")
