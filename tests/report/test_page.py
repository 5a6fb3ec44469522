import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from m3depth.errors import UserError
from m3depth.evaluation.alignment import none
from m3depth.evaluation.averaging import SetMean
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.result import Evaluation, Result
from m3depth.evaluation.row import Row
from m3depth.report.page import write_report
from m3depth.report.protocols import protocol_cells
from m3depth.report.tables import headline, metric_table
from m3depth.version import __version__

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Put before everything else in a copy of the page: collects errors and refused loads, and in the
# end leaves them in the document's title together with what was drawn.
PROBE = """<script>
const wrong = [];
const complain = console.error;
console.error = (...what) => { wrong.push(what.join(" ")); complain(...what); };
addEventListener("error", (e) => wrong.push(e.message || "cannot load " + e.target.src), true);
addEventListener("unhandledrejection", (e) => wrong.push(String(e.reason)));
addEventListener("load", () => setTimeout(() => {
  document.title = JSON.stringify({
    wrong,
    pictures: [...document.images].filter((p) => p.complete && p.naturalWidth > 0).length,
    charts: document.querySelectorAll(".plotly-graph-div:has(.main-svg)").length,
    clouds: document.querySelectorAll(".plotly-graph-div:has(canvas)").length,
    loads: performance.getEntriesByType("resource").map((r) => r.name)
      .filter((n) => !n.startsWith("data:") && !n.startsWith("blob:")),
  });
}, 2000));
</script>"""


def page_of(evaluation: Evaluation, path: Path, curves: Path | None = None) -> str:
    notes = {"command": "m3depth evaluate <x>", "configuration": "a: 1\nb: 2\n"}
    write_report(path, "A <trial> & more", evaluation, curves, notes)
    # plotly's own text holds addresses that only its maps would load
    return path.read_text(encoding="utf-8").replace(get_plotlyjs(), "")


def test_nothing_is_loaded_from_elsewhere(
    with_truth: Evaluation, curves: Path, tmp_path: Path
) -> None:
    page = page_of(with_truth, tmp_path / "report.html", curves)
    assert len(get_plotlyjs()) > 1e6  # the script itself, and not an address of it
    assert get_plotlyjs() in (tmp_path / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    for loader in ("@import", "url(", "fetch(", "XMLHttpRequest", "import(", "http://", "https://"):
        assert loader not in page


def test_everything_is_said(with_truth: Evaluation, curves: Path, tmp_path: Path) -> None:
    page = page_of(with_truth, tmp_path / "report.html", curves)
    mae = with_truth.first.metrics["mae_mm"]
    baseline = with_truth.first.baselines["mean_depth"]["mae_mm"]
    assert f"{mae:.2f}<small> mm" in page
    assert f"{baseline:.2f}<small> mm" in page
    assert f"{abs(1 - mae / baseline):.0%}<small> {'below' if mae < baseline else 'above'}" in page
    assert page.count("<img ") == 5 * (3 + 3)
    assert "Worst frames" in page
    assert f"{with_truth.worst[0].row.scores['mae_mm']:.2f} mm MAE" in page
    assert "1 of 5 frames skipped" in page
    assert __version__ in page
    assert "m3depth evaluate &lt;x&gt;" in page
    for name in with_truth.first.metrics:
        assert f"<code>{name}</code>" in page


def test_texts_are_escaped(with_truth: Evaluation, tmp_path: Path) -> None:
    page = page_of(with_truth, tmp_path / "report.html")
    assert "<h1>A &lt;trial&gt; &amp; more</h1>" in page
    assert "<last>" not in page
    assert html.escape("slopes/<0>") in page
    assert 'alt="left image of slopes/&lt;' in page


def test_absent_metrics_are_absent(without_truth: Evaluation, tmp_path: Path) -> None:
    page = page_of(without_truth, tmp_path / "report.html")
    assert "mae_mm" not in page
    words = re.sub(r"base64,[^\"]*", "", page).lower()  # a picture's letters are no words
    assert "nan" not in words.replace("nano", "").replace("finance", "")
    assert f"{without_truth.first.metrics['ssim']:.4f}" in page
    assert page.count("<img ") == 3 * (3 + 3)  # image, prediction, rebuilt view: what SSIM is of
    assert "absolute error" not in page  # no bar of a colour that no picture has
    assert page.count("left rebuilt from right of") == 3 + 3
    assert "Point cloud" in page


def test_uncalibrated_pairs_show_disparity_and_no_millimetres(
    uncalibrated: Evaluation, tmp_path: Path
) -> None:
    page = page_of(uncalibrated, tmp_path / "report.html")
    assert "predicted disparity" in page
    assert "Point cloud" not in page
    assert page.count("<img ") == 4 * (3 + 3)


def test_protocols_stand_side_by_side_with_their_alignment(
    two_protocols: Evaluation, with_truth: Evaluation, tmp_path: Path
) -> None:
    page = page_of(two_protocols, tmp_path / "report.html")
    table = page.split('<table class="protocols">')[1].split("</table>")[0]
    plain, scaled = (re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in table.split("<tr>")[2:])
    assert plain[:3] == ["plain", "none", "4 of 5"]  # one cannot be read
    assert scaled[:2] == ["&lt;scaled&gt;", "median"]
    assert scaled[2] == "3 of 5"  # and one is out of range
    for result, row in zip(two_protocols.results, (plain, scaled), strict=True):
        low, high = result.intervals["mae_mm"]
        assert row[3] == f"{result.metrics['mae_mm']:.2f} [{low:.2f}, {high:.2f}]"
        assert row[-1].startswith(f"{result.scale['median_ratio']:.3f} ± ")
    assert "protocols" not in page_of(with_truth, tmp_path / "one.html").split("<body>")[1]


def test_the_parts_of_a_set_come_below_it(with_truth: Evaluation) -> None:
    first = with_truth.first
    rows = [row._replace(key=f"dataset_{i % 2}/v/{i}") for i, row in enumerate(first.rows)]
    challenge = Protocol("challenge", 0.0, float("inf"), none, mean=SetMean())
    result = Result(challenge, rows, [])
    _, whole, *parts = protocol_cells(replace(with_truth, results=[result]))
    assert [part[0] for part in parts] == ["challenge, dataset_0", "challenge, dataset_1"]
    errors = [row.scores["mae_mm"] for row in rows]
    means = [(errors[0] + errors[2]) / 2, (errors[1] + errors[3]) / 2]
    assert [part[3] for part in parts] == [f"{mean:.2f}" for mean in means]
    assert whole[3].startswith(f"{sum(means) / 2:.2f} [")


def test_intervals_say_what_they_are_of(with_truth: Evaluation, tmp_path: Path) -> None:
    page = page_of(with_truth, tmp_path / "report.html")
    low, high = with_truth.first.intervals["d1"]
    assert f"<td>[{low:.4f}, {high:.4f}]</td>" in page
    assert "bootstrap over frames (too narrow if they are neighbours in one video)" in page


@pytest.mark.parametrize(
    ("videos", "told"), [(2, "2 videos (too narrow: so few)"), (20, "20 videos")]
)
def test_intervals_of_few_videos_say_so(
    with_truth: Evaluation, tmp_path: Path, videos: int, told: str
) -> None:
    first = with_truth.first
    rows = [first.rows[0]._replace(key=f"v{i}/0") for i in range(videos)]
    evaluation = replace(with_truth, results=[replace(first, rows=rows)])
    page = page_of(evaluation, tmp_path / "report.html")
    assert f"bootstrap over {told}. Baselines" in page


def test_a_monocular_set_has_pictures_of_what_there_is(
    monocular: Evaluation, tmp_path: Path
) -> None:
    page = page_of(monocular, tmp_path / "report.html")
    assert page.count("<img ") == 2 * 3  # image and prediction of the chosen
    assert "rebuilt from right" not in page
    assert "ssim" not in page


def test_a_page_that_cannot_be_written_says_so(with_truth: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        write_report(tmp_path / "file" / "report.html", "x", with_truth)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")
def test_opens_in_a_browser_without_a_complaint(
    with_truth: Evaluation, curves: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(path, "Browser", with_truth, curves)
    page = path.read_text(encoding="utf-8")
    path.write_text(page.replace("<head>", "<head>" + PROBE, 1), encoding="utf-8")
    found = opened(path, tmp_path / "profile")
    assert found == {
        "wrong": [],
        "pictures": 5 * (3 + 3),
        "charts": 1 + 4 + 1,  # frames, curves, cloud
        "clouds": 1,
        "loads": [],
    }


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")
def test_the_browser_would_have_complained(with_truth: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, "Broken", with_truth)
    page = path.read_text(encoding="utf-8").replace("<head>", "<head>" + PROBE, 1)
    before, sound, after = page.rpartition("data:image/png;base64,iVBOR")
    page = before + sound.replace("iVBOR", "AAAAA") + after
    page = page.replace("<body>", '<body><script>console.error("said")</script><img src="no.png">')
    path.write_text(page, encoding="utf-8")
    found = opened(path, tmp_path / "profile")
    assert found["pictures"] == 5 * (3 + 3) - 1
    assert "said" in found["wrong"]
    assert any("no.png" in line for line in found["wrong"])


def opened(path: Path, profile: Path) -> dict:
    """What the probe saw."""
    flags = "--headless --no-sandbox --disable-gpu --enable-unsafe-swiftshader --dump-dom"
    flags += " --disable-background-networking --virtual-time-budget=20000"
    command = [CHROMIUM, *flags.split(), f"--user-data-dir={profile}", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title, dom[-500:]
    return json.loads(html.unescape(title[1]))


def test_what_counted_and_what_is_doubtful_is_said(
    two_protocols: Evaluation, tmp_path: Path
) -> None:
    doubtful = replace(two_protocols, warnings=["4 of 5 <frames> were trained on"])
    page = page_of(doubtful, tmp_path / "report.html")
    assert "Counted by plain: 4 of 5 frames (1: cannot be read), 4,032 of 4,608 pixels" in page
    assert "Counted by &lt;scaled&gt;: 3 of 5 frames" in page
    assert "<li>4 of 5 &lt;frames&gt; were trained on</li>" in page


def test_a_baseline_that_is_better_is_marked_and_no_other(with_truth: Evaluation) -> None:
    """The constant 4 px are no match for the mean depth, which knows the planes."""
    table = metric_table(with_truth.first)
    row = next(row for row in table.split("<tr>") if "<code>mae_mm</code>" in row)
    own = with_truth.first.metrics["mae_mm"]
    better = [n for n, b in with_truth.first.baselines.items() if b.get("mae_mm", own) < own]
    assert better
    assert row.count('class="beats"') == len(better)
    won = replace(with_truth.first, rows=[_perfect(row) for row in with_truth.first.rows])
    assert "beats" not in metric_table(won)


def _perfect(row: Row) -> Row:
    better = {"ssim": 2.0, "psnr": 99.0, "d1": 2.0}
    return row._replace(scores={name: better.get(name, 0.0) for name in row.scores})


def test_a_view_worse_than_the_best_shift_is_marked(without_truth: Evaluation) -> None:
    first = without_truth.first
    shift, own = first.baselines["best_shift"]["ssim"], first.metrics["ssim"]
    side, kind = ("above", "good") if own >= shift else ("below", "bad")
    assert f'<div class="card {kind}"><b>{abs(own - shift):.4f}<small>  {side}' in headline(first)
    worse = replace(
        first, rows=[r._replace(scores={**r.scores, "ssim": shift - 0.5}) for r in first.rows]
    )
    assert '<div class="card bad"><b>0.5000<small>  below' in headline(worse)


def test_what_leaving_out_the_least_confident_does_is_said(
    with_truth: Evaluation, tmp_path: Path
) -> None:
    assert "<h2>Confidence" not in page_of(with_truth, tmp_path / "without.html")
    error_mm = np.arange(1.0, 11.0)
    gathered = Reliability([1 / error_mm], [error_mm], [(0.1, 9.0), (0.9, 1.0)])
    told = replace(with_truth.first, reliability=gathered)
    page = page_of(replace(with_truth, results=[told]), tmp_path / "report.html")
    assert "<h2>Confidence" in page
    assert "20% of the pixels the error is 4.50 mm instead of 5.50" in page
    assert "20% of the frames the error is" in page
    assert "100% of the way to a perfect order" in page
