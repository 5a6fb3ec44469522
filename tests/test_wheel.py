"""The wheel, installed in an environment of its own, trains from any folder."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from command_line import TINY, m3depth_process

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fresh environment; a path file lends it the other packages, not this checkout."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (own / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    interpreter = str(folder / "bin/python")
    install = ("install", "--no-deps", "--no-index", "--quiet", "--ignore-installed")
    run("-m", "pip", "--python", interpreter, *install, str(wheel))
    return interpreter


def run(*arguments: str, python: str = sys.executable, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [python, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=240,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_package_and_of_conf(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    tracked = run_git("ls-files", "m3depth", "conf")
    for path in tracked:
        assert (f"m3depth/{path}" if path.startswith("conf/") else path) in inside
    assert not any(name.startswith("tests") for name in inside)


def run_git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout.split()


def test_the_installed_configuration_is_the_wheel_s_own(python: str, tmp_path: Path):
    script = "from m3depth.cli.configuration import configuration; print(configuration())"
    found = Path(run("-c", script, python=python, cwd=tmp_path).strip())
    assert found.is_relative_to(Path(python).parents[1])
    names = {str(path.relative_to(found)) for path in found.rglob("*.yaml")}
    conf = ROOT / "conf"
    assert names == {str(path.relative_to(conf)) for path in conf.rglob("*.yaml")}


def test_the_installed_command_trains_two_steps_outside_the_repository(python: str, tmp_path: Path):
    told = m3depth_process("train", *TINY, "debug=two_steps", cwd=tmp_path, python=python)
    assert told.status == 0, told.err
    (run_folder,) = (tmp_path / "outputs/train").iterdir()
    for name in ("metrics.json", "report.html", "checkpoints/best.ckpt"):
        assert (run_folder / name).is_file()


def test_the_console_script_is_installed(python: str, tmp_path: Path):
    command = Path(python).with_name("m3depth")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert "usage: m3depth VERB" in done.stdout
