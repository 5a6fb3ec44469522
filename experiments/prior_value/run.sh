#!/usr/bin/env bash
# One clip, one splatter, only the prior swapped: bash run.sh CHECKPOINT OUTPUT [SEEDS]
set -euo pipefail
checkpoint=$1 output=$2 seeds=${3:-0 1 2}
clip="data=synthetic_clip data.size=[128,160] writer=npz"
m3depth export source=exact $clip output="$output/scenes/exact"
m3depth export source=stereo $clip output="$output/scenes/stereo"
m3depth export source=network checkpoint="$checkpoint" flip=true $clip output="$output/scenes/network"
for seed in $seeds; do
  echo "exact colour $seed" # the control: a random start, no depth loss
  for prior in exact stereo network; do
    for objective in m3depth deform3dgs surgicalgs; do echo "$prior $objective $seed"; done
  done
done | OMP_NUM_THREADS=1 xargs -P 2 -L 1 bash -c 'm3depth splat scene="$0/scenes/$1" truth="$0/scenes/exact" \
  objective="$2" recipe.seed="$3" recipe.iterations=600 output="$0/runs/$1_$2_$3"' "$output"
