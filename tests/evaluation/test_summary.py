"""The lines that a run ends with."""

import pytest

from m3depth.cli.scoring import summary


@pytest.mark.parametrize(
    ("error", "told"),
    [(1.5, "(mae_mm 25 % better)"), (2.54, "(mae_mm 27 % worse)"), (2.0, "(mae_mm 0 % better)")],
    ids=["better", "worse", "alike"],
)
def test_a_baseline_is_beaten_or_not_in_words(error: float, told: str) -> None:
    own, against = summary({"mae_mm": error}, {"sgbm": {"mae_mm": 2.0, "density": 0.9}})
    assert own == f"test: mae_mm {error:.3f}"
    assert against == f"sgbm: mae_mm 2.000  density 0.900  {told}"
