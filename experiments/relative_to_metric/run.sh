#!/usr/bin/env bash
# All runs of this study, seeds given as arguments: experiments/relative_to_metric/run.sh 0 1 2
set -euo pipefail
here=$(dirname "$0")
for seed in "$@"; do
  runs=outputs/relative_to_metric/$seed
  relative=$runs/relative/checkpoints/best.ckpt
  m3depth train experiment=relative_to_metric/relative seed="$seed" output="$runs/relative"
  m3depth train experiment=relative_to_metric/stereo seed="$seed" output="$runs/stereo"
  m3depth train experiment=relative_to_metric/few_labels seed="$seed" output="$runs/few_labels" \
    network.start="$relative"
  # shellcheck disable=SC2046 # two overrides
  m3depth train experiment=relative_to_metric/by_stereo seed="$seed" output="$runs/by_stereo" \
    network.start="$relative" $(python "$here/by_matcher.py" "$relative" 40)
  python "$here/few_labels.py" "$relative" "$runs/by_frame.ckpt" > "$runs/few_labels.json"
  python "$here/few_labels.py" "$relative" "$runs/by_pairs.ckpt" 40 480 pairs > "$runs/few_pairs.json"
  m3depth train experiment=relative_to_metric/by_stereo seed="$seed" output="$runs/by_pairs" \
    network=metric network/head=by_frame network.start="$runs/by_pairs.ckpt"
  m3depth train experiment=relative_to_metric/bins seed="$seed" output="$runs/bins" \
    network.start="$relative" teacher.checkpoint="$runs/by_frame.ckpt"
  python "$here/one_pair.py" "$relative" > "$runs/one_pair.json"
done
