#!/bin/sh
# Text from end to end on data that every Debian machine has: the section of a package (games, python, libs, ...) told
# from its one-line description, as `apt-cache dumpavail` has it for some 60,000 packages (after `apt-get update`).
# Every fifth package tests. Packages of one source often say nearly the same, so that this is easier than new software.
#
#   sh bench/debian_sections.sh [PATH/TO/hogwild]
set -eu
hogwild=${1:-build/daemon/hogwild}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

apt-cache dumpavail | awk -v train="$work/train.txt" -v test="$work/test.txt" '
  /^Section: /     { section = $2; sub(".*/", "", section) }
  /^Description: / { text = substr($0, 14); gsub("\t", " ", text) }
  /^$/             { if (section != "" && text != "") print section "\t" text > (++n % 5 ? train : test)
                     section = text = "" }'
[ -s "$work/test.txt" ] || { echo 'apt-cache knows no packages; run apt-get update' >&2; exit 1; }

"$hogwild" data convert --from text --ngrams 2 --fit "$work/recipe" "$work/train.txt" "$work/train.hwd" 2>/dev/null
"$hogwild" data convert --recipe "$work/recipe" "$work/test.txt" "$work/test.svm"
"$hogwild" train --train "$work/train.hwd" --test "$work/test.svm" --recipe "$work/recipe" --loss logistic --bias \
  --lambda 1e-6,1e-5,1e-4 --epochs 10 --model "$work/model.bin"
printf 'fast web server for static files\na puzzle game with coloured blocks\nbindings of a numeric library for Python 3\n' |
  "$hogwild" predict --model "$work/model.bin" --from text --data -
"$hogwild" predict --model "$work/model.bin" --from text --data "$work/test.txt" --output "$work/said"
