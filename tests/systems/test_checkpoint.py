"""What a checkpoint holds, and what is said of files that are none."""

import json
from pathlib import Path

import pytest
import torch
from command_line import TINY, m3depth, succeed

from m3depth.errors import UserError
from m3depth.networks.trained import load_model

PLAIN = (dict, list, tuple, str, int, float, bool, type(None), torch.Tensor)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run")
    succeed("train", *TINY, "debug=two_steps", f"output={output}")
    return output


def foreign(value: object) -> set[str]:
    """Types that are no plain container, anywhere inside."""
    if isinstance(value, dict):
        return set().union(*(foreign(v) for pair in value.items() for v in pair))
    if isinstance(value, list | tuple):
        return set().union(*(foreign(v) for v in value))
    return set() if type(value) in PLAIN else {type(value).__qualname__}


@pytest.mark.parametrize("name", ["last", "best"])
def test_holds_tensors_and_plain_containers_only(run: Path, name: str):
    saved = torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)
    assert foreign(dict(saved)) <= {"OrderedDict"}
    assert saved["m3depth"]["config"]["network"]["encoder"] == "test_resnet"
    assert saved["m3depth"]["size"] == [32, 48]


def test_gives_back_the_network_its_size_and_its_rig(run: Path):
    from m3depth.data.synthetic import SyntheticPairs

    model = load_model(run / "checkpoints/best.ckpt")
    assert not model.network.training
    assert model.size == (32, 48)
    rig = SyntheticPairs("train", 4, (32, 48))[0]["rig"]
    for found, expected in zip(model.rig, rig, strict=True):
        assert float(found) == pytest.approx(float(expected))
    saved = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, saved[f"network.{name}"])


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"checkpoint=.*nowhere\.ckpt: no such file"):
        load_model(tmp_path / "nowhere.ckpt")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 no zip either"])
def test_not_a_checkpoint(tmp_path: Path, content: bytes):
    path = tmp_path / "odd.ckpt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint=.*odd\.ckpt: cannot be read: .+"):
        load_model(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_checkpoint(run: Path, tmp_path: Path, share: float):
    whole = (run / "checkpoints/last.ckpt").read_bytes()
    path = tmp_path / "cut.ckpt"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"cut\.ckpt: cannot be read"):
        load_model(path)


@pytest.mark.parametrize(
    "content", [{"state_dict": {}}, [1, 2], {"m3depth": 1}, {"m3depth": {"config": {}}}]
)
def test_another_program_s_file(tmp_path: Path, content: object):
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    with pytest.raises(UserError, match=r"other\.ckpt: not written by m3depth train"):
        load_model(path)


def test_a_pickle_that_would_run_code_is_not_loaded(tmp_path: Path):
    path = tmp_path / "evil.ckpt"
    torch.save({"m3depth": Path("touched").touch}, path)
    with pytest.raises(UserError, match=r"evil\.ckpt: cannot be read"):
        load_model(path)


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    "call",
    [
        {"_target_": "shutil.copyfile", "src": "{evil}", "dst": "{touched}"},
        {"_target_": "no.such.thing"},
        "${oc.create:'{_target_: shutil.copyfile, src: {evil}, dst: {touched}}'}",
    ],
    ids=["a function", "nothing", "an interpolation"],
)
def test_a_network_that_would_run_code_is_not_made(
    run: Path, tmp_path: Path, call: object, nested: bool
):
    path, touched = tmp_path / "evil.ckpt", tmp_path / "touched"
    named = json.loads(
        json.dumps(call).replace("{evil}", str(path)).replace("{touched}", str(touched))
    )
    saved = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    network = saved["m3depth"]["config"]["network"]
    saved["m3depth"]["config"]["network"] = {**network, "widths": [named] if nested else named}
    torch.save(saved, path)
    with pytest.raises(UserError, match=r"evil\.ckpt: its network is made of more than"):
        load_model(path)
    assert not touched.exists()


def test_such_a_network_is_not_trained_either(tmp_path: Path):
    """Or hours of training would end in a checkpoint that nothing can load."""
    called = "network.initial_disparity={_target_:builtins.float,_args_:[0.05]}"
    told = m3depth("train", *TINY, "debug=two_steps", called, f"output={tmp_path}")
    assert told.status == 2
    assert "its checkpoints could not be loaded" in told.line


@pytest.mark.parametrize("verb", ["evaluate", "predict", "export"])
def test_every_verb_says_it_in_one_line(tmp_path: Path, verb: str):
    path = tmp_path / "odd.ckpt"
    path.write_bytes(b"not a checkpoint")
    own = {"predict": ["input=nothing.png"]}.get(verb, [])
    told = m3depth(verb, f"checkpoint={path}", f"output={tmp_path}/out", *own)
    assert told.status == 1
    assert "odd.ckpt: cannot be read" in told.line
