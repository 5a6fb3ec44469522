#!/usr/bin/env bash
# One real pair, from a relative start and without: experiments/relative_to_metric/real.sh RELATIVE.ckpt SEED ...
set -euo pipefail
here=$(dirname "$0")
data=${M3DEPTH_DATA:-../shared/data}
relative=$1
runs=outputs/relative_to_metric/real
python "$here/cones.py" "$data/middlebury2003_cones" "$runs/pair"
cones=(data=folder "data.root=$runs/pair" "data.size=[240,288]" data.batch_size=1 data.workers=0 +data.train.repeat=25)
start=(network=by_rig network.start="$relative")
mirror=(network=by_rig network@network.network=relative network.network.start="$relative")
# shellcheck disable=SC2207 # two overrides
fitted=($(python "$here/by_matcher.py" "$relative" "$data/middlebury_motorcycleQ"))

for seed in "${@:2}"; do
  m3depth train experiment=single_pair seed="$seed" output="$runs/motorcycle_$seed"
  m3depth train experiment=single_pair seed="$seed" output="$runs/motorcycle_weights_$seed" "${start[@]}"
  m3depth train experiment=single_pair seed="$seed" output="$runs/motorcycle_mirror_$seed" "${mirror[@]}"
  m3depth train experiment=single_pair seed="$seed" output="$runs/motorcycle_fitted_$seed" "${start[@]}" "${fitted[@]}"
  m3depth train experiment=single_pair "${cones[@]}" seed="$seed" output="$runs/cones_$seed"
  m3depth train experiment=single_pair "${cones[@]}" seed="$seed" output="$runs/cones_weights_$seed" "${start[@]}"
  m3depth train experiment=single_pair "${cones[@]}" seed="$seed" output="$runs/cones_mirror_$seed" "${mirror[@]}"
done
