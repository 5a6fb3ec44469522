#!/usr/bin/env bash
# bash run.sh CHECKPOINT OUTPUT SEED...: adapt a checkpoint of `m3depth train experiment=demo` to a style that it was not
# trained on, by 40 frames of it (40 more are held back), and score it on others of that style and of its own; then level
# after level on four styles, by the gate and by the truth (OUTPUT/levels.json, and a table). SEED is from 1 on: 0 is of
# the frames that are scored.
set -euo pipefail
checkpoint=$1 output=$2 here=$(dirname "$0")
shift 2
for seed in "$@"; do
  m3depth adapt checkpoint="$checkpoint" data=synthetic_style part=test +data.test.seed="$seed" data.test.count=80 \
    output="$output/$seed" overwrite=true
  for data in synthetic_style synthetic; do
    m3depth evaluate checkpoint="$output/$seed/checkpoints/best.ckpt" data="$data" data.train.count=840 flip=true \
      output="$output/$seed/$data" overwrite=true
  done
done
python "$here/levels.py" "$checkpoint" "$output/levels.json" statistics,scale,steps synthetic,synthetic_wide "$@"
