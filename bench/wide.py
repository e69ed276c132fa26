#!/usr/bin/env python3
"""Writes wide, sparse rows as svmlight text: hashed features, as of words and pairs of words.

    python3 bench/wide.py [--rows 200000] [--features 4194304] [--nonzeros 76] [--seed 1] [--uniform] >wide.svm

Each row has so many different features of ids up to FEATURES, and norm 1. How often a feature comes falls as 1/rank
(Zipf), with ranks strewn over the ids as a hash does; with --uniform all come equally often, which no real text does and
no cache helps against. Two features in five lean to a class, and come there four times as often as in the other; one label
in twenty-five is the other way round.
"""
import argparse
import math
import random
import sys

LEANINGS = [1] * 51 + [-1] * 51 + [0] * 154  # by a hash of the rank


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=1 << 22, help="a power of two")
    parser.add_argument("--nonzeros", type=int, default=76)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--uniform", action="store_true")
    options = parser.parse_args()
    d = options.features
    if d & (d - 1) != 0 or d < 2 * options.nonzeros:
        parser.error("--features must be a power of two, and at least twice --nonzeros")
    draw = random.Random(options.seed).random
    value = f":{1 / math.sqrt(options.nonzeros):.6f}"
    scale = math.log(d)
    for _ in range(options.rows):
        sign = 1 if draw() < 0.5 else -1
        ids = set()
        while len(ids) < options.nonzeros:
            rank = int(draw() * d) if options.uniform else int(math.exp(scale * draw())) - 1
            leaning = LEANINGS[rank * 0x9E3779B1 >> 16 & 0xFF]
            if leaning * sign >= 0 or draw() < 0.25:
                ids.add((rank * 2654435761 & (d - 1)) + 1)  # an odd factor: different ranks, different ids
        label = "+1 " if (sign > 0) != (draw() < 0.04) else "-1 "
        sys.stdout.write(label + " ".join([f"{i}{value}" for i in sorted(ids)]) + "\n")


if __name__ == "__main__":
    main()
