#!/usr/bin/env bash
# One real pair, from a relative start and without: experiments/relative_to_metric/real.sh RELATIVE.ckpt
set -euo pipefail
here=$(dirname "$0")
data=${M3DEPTH_DATA:-../shared/data}
relative=$1
runs=outputs/relative_to_metric/real
python "$here/cones.py" "$data/middlebury2003_cones" "$runs/pair"
cones=(data=folder "data.root=$runs/pair" "data.size=[240,288]" data.batch_size=1 data.workers=0 +data.train.repeat=25)
start=(network=by_rig network.start="$relative")
# shellcheck disable=SC2207 # two overrides
fitted=($(python "$here/by_matcher.py" "$relative" "$data/middlebury_motorcycleQ"))

m3depth train experiment=single_pair output="$runs/motorcycle"
m3depth train experiment=single_pair output="$runs/motorcycle_fitted" "${start[@]}" "${fitted[@]}"
m3depth train experiment=single_pair output="$runs/motorcycle_weights" "${start[@]}"
m3depth train experiment=single_pair "${cones[@]}" output="$runs/cones"
m3depth train experiment=single_pair "${cones[@]}" output="$runs/cones_weights" "${start[@]}"
