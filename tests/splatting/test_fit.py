"""The fit as a whole: it learns, looks at what it may, and goes on where it stopped."""

from functools import partial
from pathlib import Path

import pytest
import torch
from small_scenes import a_clip, a_recipe, an_objective, changed

from m3depth.errors import ConfigError, DataError, UserError
from m3depth.splatting.fit import FitState, fit, frame_at, settle, start
from m3depth.splatting.fit_file import resume, save
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.model.start import at_random
from m3depth.splatting.scene.clip import Clip
from m3depth.splatting.scores import scored, true_frames, views


def nothing(state: FitState, parts: dict[str, float]) -> None:
    pass


def fitted(clip: Clip, iterations: int = 30, seed: int = 0) -> Splats:
    recipe, objective = a_recipe(iterations, seed=seed), an_objective()
    state = start(clip, objective, recipe)
    fit(state, clip, objective, recipe, nothing)
    return state.splats


def same(one: Splats, other: Splats) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_fit_learns_colours_and_depth_of_frames_it_never_saw():
    clip, recipe = a_clip(), a_recipe(60)
    true = true_frames(clip, clip, clip.held_out)
    begun = start(clip, an_objective(), recipe).splats
    first, last = (
        scored([*views(splats, clip, true, clip.held_out, recipe)])["metrics"]
        for splats in (begun, fitted(clip, 60))
    )
    assert last["psnr"] > first["psnr"] + 4
    assert last["mae_mm"] < 0.5 * first["mae_mm"]
    assert last["mae_mm"] < 1.0


def test_what_tools_cover_has_no_influence():
    clip = a_clip()

    def scribble(frame):
        noise = torch.rand(frame.image.shape, generator=torch.Generator().manual_seed(5))
        image = torch.where(frame.use, frame.image, noise)
        return frame._replace(image=image, depth_mm=torch.where(frame.use, frame.depth_mm, 7.0))

    assert not clip.frames[0].use.all()
    assert same(fitted(clip, 15), fitted(changed(clip, scribble), 15))


def test_held_out_frames_have_no_influence():
    clip = a_clip()
    other = clip.frames[1]._replace(image=1 - clip.frames[1].image)
    assert clip.held_out == [1]
    frames = (clip.frames[0], other, *clip.frames[2:])
    assert same(fitted(clip, 15), fitted(Clip(frames), 15))


def test_each_round_goes_through_all_fitted_frames():
    clip = a_clip()
    for first in (0, 3, 6):
        assert sorted(frame_at(first + i, clip, 0) for i in range(3)) == [0, 2, 3]
    assert [frame_at(i, clip, 0) for i in range(30)] != [frame_at(i, clip, 1) for i in range(30)]


def test_each_round_has_an_order_of_its_own():
    clip = a_clip()
    rounds = {tuple(frame_at(first + i, clip, 0) for i in range(3)) for first in range(0, 60, 3)}
    assert len(rounds) > 1


def test_random_points_come_from_the_seed():
    objective = an_objective(partial(at_random, count=50))
    one, same_again, other = (
        start(a_clip(), objective, a_recipe(seed=seed)).splats.means_mm for seed in (0, 0, 1)
    )
    assert torch.equal(one, same_again)
    assert not torch.equal(one, other)


def test_means_and_moves_come_to_rest_and_the_rest_does_not():
    recipe = a_recipe(settle=0.1)
    state = start(a_clip(), an_objective(), recipe)
    for progress, share in ((0.0, 1.0), (0.5, 0.1**0.5), (1.0, 0.1)):
        settle(state.optimizer, recipe, progress)
        for group in state.optimizer.param_groups:
            name = group["name"]
            expected = recipe.rates[name] * (share if name in ("means_mm", "moves_mm") else 1)
            assert group["lr"] == pytest.approx(expected), name


def test_it_starts_with_the_colours_of_its_points():
    clip, objective = a_clip(), an_objective()
    splats = start(clip, objective, a_recipe()).splats
    expected = objective.start(clip, torch.Generator()).colours
    shown = splats.at(0.0, clip.frames[0].camera).colours
    assert torch.allclose(shown, expected, atol=1e-5)


def test_frames_are_held_out_as_endonerfs_readers_do():
    frames = a_clip().frames
    many = Clip(tuple(frames[0]._replace(key=str(i)) for i in range(20)))
    assert many.held_out == [1, 9, 17]
    assert sorted(many.held_out + many.fitted) == list(range(20))


def test_a_fit_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path):
    clip, recipe, objective = a_clip(), a_recipe(32), an_objective()
    path = tmp_path / "last.ckpt"

    def stop(state: FitState, parts: dict[str, float]) -> None:
        if state.done == 17:
            save(path, state, {"seed": 0}, [{"step": 17.0}])
            raise KeyboardInterrupt

    begun = start(clip, objective, recipe)
    count = len(begun.splats)
    with pytest.raises(KeyboardInterrupt):
        fit(begun, clip, objective, recipe, stop)
    state, rows = resume(path, recipe, {"seed": 0})
    assert (state.done, rows) == (17, [{"step": 17.0}])
    assert len(state.splats) != count  # it was stopped after a change of their number
    fit(state, clip, objective, recipe, nothing)
    assert state.done == 32
    assert same(state.splats, fitted(clip, 32))


def test_frames_that_are_never_drawn_are_told(caplog: pytest.LogCaptureFixture):
    clip, objective = a_clip(), an_objective()
    for iterations, told in ((3, False), (2, True)):
        recipe = a_recipe(iterations)
        fit(start(clip, objective, recipe), clip, objective, recipe, nothing)
        assert ("only so many of the 3 fitted frames are used" in caplog.text) == told


def test_another_seed_is_another_fit():
    clip = a_clip()
    assert not same(fitted(clip, 5), fitted(clip, 5, seed=1))


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path):
    state = start(a_clip(), an_objective(), a_recipe())
    one = {"objective": "one", "recipe": {"iterations": 5, "rate": 1.0}}
    save(tmp_path / "one.ckpt", state, one, [])
    longer = {"iterations": 9, "rate": 1.0}  # as long as it likes
    assert resume(tmp_path / "one.ckpt", a_recipe(), {**one, "recipe": longer})[1] == []
    for other, told in ({"objective": "two"}, "objective"), ({"recipe": {"rate": 2.0}}, "recipe"):
        with pytest.raises(ConfigError, match=f"another {told};"):
            resume(tmp_path / "one.ckpt", a_recipe(), {**one, **other})


@pytest.mark.parametrize("content", [None, b"", b"nonsense"], ids=["none", "empty", "other"])
def test_no_checkpoint_is_one_line(tmp_path: Path, content: bytes | None):
    path = tmp_path / "last.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"last\.ckpt: "):
        resume(path, a_recipe(), {})


def test_a_loss_that_is_no_number_says_which_frame():
    clip = a_clip()
    bad = changed(clip, lambda frame: frame._replace(image=frame.image * float("nan")))
    recipe, objective = a_recipe(), an_objective()
    with pytest.raises(DataError, match="the loss is no number"):
        fit(start(clip, objective, recipe), bad, objective, recipe, nothing)
