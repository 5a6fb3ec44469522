"""``m3depth splat``."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.cli.resume import (
    Earlier,
    checkpoint_path,
    log_resumed,
    own_checkpoint,
    own_configuration,
    require_one,
    save_config,
    stopped_with_advice,
)
from m3depth.device import pick_device
from m3depth.errors import ConfigError
from m3depth.evaluation.result_files import version
from m3depth.geometry.tsdf import require_open3d
from m3depth.io.files import write_bytes, write_csv, write_json
from m3depth.outputs.claim import Claim
from m3depth.outputs.output import Output
from m3depth.progress import progress
from m3depth.report.curves import read_curves
from m3depth.report.splat_page import write_splat_report
from m3depth.splatting.fit import FitState, fit, start
from m3depth.splatting.fit_file import Rows, resume, save
from m3depth.splatting.objective.objective import Objective
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.results.gaussian_ply import gaussian_ply
from m3depth.splatting.results.mesh import mesh_ply
from m3depth.splatting.results.renders import depth_range, write_renders
from m3depth.splatting.scene.read import read_clip
from m3depth.splatting.scores import scored, true_frames, views
from m3depth.stopping import Stopped, stopping_when_asked
from m3depth.validation import require_number, require_switch

logger = logging.getLogger(__name__)
LOGGED_EVERY = 10  # iterations
FILES = (
    *("config.yaml", "metrics.json", "metrics.csv", "report.html", "gaussians.ply", "mesh.ply"),
    *("checkpoints/last.ckpt", "renders/renders.webm", "renders/renders.mp4"),
)
OURS = "splat_objective"  # the group; `objective` alone is what `m3depth train` minimises


def splat(config: DictConfig) -> None:
    """Fit moving Gaussians to a scene, and score them on the frames that were held out."""
    own = own_checkpoint(config.output, config.checkpoint)
    earlier = Earlier.of(Path(config.output)) if own else None
    if earlier:
        config = own_configuration(config, earlier)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    _require_options(plain)
    require_one(own, config.overwrite)
    output = Output(
        config.output,
        "splat",
        inputs={"scene": config.scene, "truth": config.truth},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        goes_on=own is not None,
        ways_on="checkpoint=last goes on with it, ",
        names=FILES,
    )
    with output.claimed() as claim, stopped_with_advice("splat", Path(config.output)):
        _fit_and_score(config, plain, earlier, claim)


def _fit_and_score(
    config: DictConfig, plain: dict[str, Any], earlier: Earlier | None, claim: Claim
) -> None:
    foreign = instantiate(config.foreign, _convert_="all")
    clip = read_clip(config.scene, foreign)
    truth = None if config.truth is None else read_clip(config.truth, foreign)
    true = true_frames(clip, truth, clip.held_out)
    read = {"scene": clip} if truth is None else {"scene": clip, "truth": truth}
    objective: Objective = instantiate(config.objective, _convert_="all")
    recipe: Recipe = instantiate(config.recipe, _convert_="all")
    output = Path(config.output)
    began = time.monotonic()
    device = pick_device(config.device)
    # what a fit that goes on must have in common with the one that it goes on with
    shared = {"objective": plain["objective"], "recipe": plain["recipe"], "scene": clip.fingerprint}
    if config.checkpoint is None:
        state, rows = start(clip, objective, recipe, device), Rows()
    else:
        given = checkpoint_path(config.output, config.checkpoint)
        state, rows = resume(given, recipe, shared, device)
        _require_more(state, recipe, output, earlier)
        log_resumed(f"after {state.done} iterations", output, earlier, plain)
    claim.adopt(FILES if earlier else [])
    save_config(output / "config.yaml", plain)
    keep = partial(save, checkpoint_path(config.output, "last"), state, shared, rows)
    logged = _Logged(rows, keep, recipe.iterations, config.checkpoint_every)
    with stopping_when_asked(logged.stop):
        fit(state, clip.to(device), objective, recipe, logged, partial(progress, what="splat"))
    about = {"scene": plain["scene"], "truth": plain["truth"], "iterations": state.done}
    about |= {"seconds": round(time.monotonic() - began, 1), "gaussians": len(state.splats)}
    about |= {f"{name}_edited": list(one.edited) for name, one in read.items() if one.edited}

    write_bytes(output / "gaussians.ply", gaussian_ply(state.splats, config.time))
    if config.mesh:
        mesh = mesh_ply(state.splats, clip, config.time, recipe, config.mesh_voxel_mm)
        write_bytes(output / "mesh.ply", mesh)
    drawn = views(state.splats, clip, {}, range(len(clip)), recipe)
    write_renders(output / "renders", drawn, depth_range(clip.frames))
    found = list(views(state.splats, clip, true, clip.held_out, recipe))
    record = {**scored(found), **about, **version(plain)}
    write_json(output / "metrics.json", record)
    write_csv(output / "metrics.csv", rows)
    curves = read_curves(output / "metrics.csv")
    chosen = HydraConfig.get().runtime.choices[OURS]
    title, notes = f"splat: {chosen}", {"configuration": OmegaConf.to_yaml(config)}
    write_splat_report(output / "report.html", title, record, found, curves, notes)
    logger.info(_summary(record))
    logger.info("report: %s", (output / "report.html").resolve())


def _require_options(plain: dict[str, Any]) -> None:
    """Check before the fit what is used only after it."""
    require_number("time", plain["time"], 0, 1)
    require_number("checkpoint_every", plain["checkpoint_every"], 1, whole=True)
    require_number("mesh_voxel_mm", plain["mesh_voxel_mm"], 0.01)
    require_switch("mesh", plain["mesh"])
    if plain["mesh"]:
        require_open3d("mesh=true", "; or set mesh=false")


def _require_more(state: FitState, recipe: Recipe, output: Path, earlier: Earlier | None) -> None:
    if state.done == recipe.iterations and earlier and (output / "metrics.json").is_file():
        raise ConfigError(
            f"output={output}: has its {state.done} iterations; for more give, say, "
            f"recipe.iterations={2 * state.done}"
        )


@dataclass
class _Logged:
    """After each iteration: its row of the log, now and then a checkpoint, and the end if asked."""

    rows: Rows
    keep: Callable[[], None]
    last: int
    keep_every: int
    asked: bool = False

    def stop(self) -> None:
        self.asked = True

    def __call__(self, state: FitState, parts: dict[str, float]) -> None:
        ends = state.done == self.last
        if ends or state.done % LOGGED_EVERY == 0:
            counts = {"step": state.done, "gaussians": len(state.splats)}
            self.rows.append({**counts, "loss": sum(parts.values()), **parts})
        if ends or self.asked or state.done % self.keep_every == 0:
            self.keep()
        if self.asked:
            raise Stopped


def _summary(record: dict[str, Any]) -> str:
    values = (f"{name} {value:.3f}" for name, value in record["metrics"].items())
    return f"held-out frames: {'  '.join(values)}"
