"""Times the decoders that users would pick instead, and ours, on the same logits in one run.

    pip install -r benches/peers/requirements.txt
    python benches/peers/decode.py [--rounds 5] [--slow]

The input is fixtures/lines.npy, tiled to some 10,000 frames of 97 classes and decoded line by line, one thread,
in process, file reading and imports left out. In each round every decoder runs once, and so does
`cargo bench --bench decode` (which reports the time of its own loop); the ratio is taken round by round, so that a
machine whose speed drifts does not matter. --slow adds the unpruned searches of beam 100 (minutes).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAMES = 10_000


def lines():
    logits = np.load(ROOT / "fixtures/lines.npy")
    lengths = [int(n) for n in (ROOT / "fixtures/lines.lengths.txt").read_text().split()]
    items = [x[:n] for x, n in zip(logits, lengths)]
    tiles = -(-FRAMES // sum(lengths))
    return items * tiles


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(axis=1, keepdims=True)
    return (x - np.log(np.exp(x).sum(axis=1, keepdims=True))).astype(np.float32)


def peers(items, slow):
    """Name, which of our rows it is compared with, and the work."""
    log_probs = [np.ascontiguousarray(log_softmax(x)) for x in items]
    probs = [np.exp(x) for x in log_probs]
    names = (ROOT / "fixtures/alphabet.txt").read_text(encoding="utf-8").split("\n")[:96]
    classes = len(names) + 1
    widths = [10, 100]

    try:
        import fast_ctc_decode

        labels = ["\0"] + names
        yield "fast-ctc-decode viterbi", "greedy", lambda: [
            fast_ctc_decode.viterbi_search(p, labels) for p in probs
        ]
        for width in widths:
            for cut in (1e-3, 0.0):
                if width == 100 and cut == 0.0 and not slow:
                    continue
                yield (
                    f"fast-ctc-decode beam {width} {'pruned 1e-3' if cut else 'unpruned'}",
                    f"beam {width}",
                    lambda width=width, cut=cut: [
                        fast_ctc_decode.beam_search(p, labels, beam_size=width, beam_cut_threshold=cut)
                        for p in probs
                    ],
                )
    except ImportError as error:
        print(f"left out: {error}")

    try:
        from flashlight.lib.text.decoder import CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions, ZeroLM

        for width in widths:
            for tokens in (10, classes):
                if width == 100 and tokens == classes and not slow:
                    continue
                options = LexiconFreeDecoderOptions(
                    beam_size=width,
                    beam_size_token=tokens,
                    beam_threshold=1e9,
                    lm_weight=0.0,
                    sil_score=0.0,
                    log_add=True,
                    criterion_type=CriterionType.CTC,
                )
                decoder = LexiconFreeDecoder(options, ZeroLM(), -1, 0, [])
                yield (
                    f"flashlight beam {width} {'all' if tokens == classes else tokens} tokens",
                    f"beam {width}",
                    lambda decoder=decoder: [
                        decoder.decode(x.ctypes.data, x.shape[0], x.shape[1]) for x in log_probs
                    ],
                )
    except ImportError as error:
        print(f"left out: {error}")

    # These two want the blank last, as an empty label.
    rolled = [np.ascontiguousarray(np.roll(x, -1, axis=1)) for x in log_probs]
    for module in ("ctc_beam_decoder", "pyctcdecode"):
        try:
            decoder = __import__(module).build_ctcdecoder(names + [""])
        except ImportError as error:
            print(f"left out: {error}")
            continue
        for width in widths:
            yield (
                f"{module} beam {width}",
                f"beam {width}",
                lambda decoder=decoder, width=width: [decoder.decode(x, beam_width=width) for x in rolled],
            )


def ours():
    command = ["cargo", "bench", "--quiet", "--bench", "decode", "--", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow", action="store_true")
    args = parser.parse_args()
    items = lines()
    print(f"{len(items)} lines, {sum(len(x) for x in items)} frames of {items[0].shape[1]} classes")
    rows = list(peers(items, args.slow))
    times = {name: [] for name, _, _ in rows}
    mine = []
    ours()  # builds
    for _ in range(args.rounds):
        mine.append(ours())
        for name, _, work in rows:
            start = time.perf_counter()
            work()
            times[name].append(1e3 * (time.perf_counter() - start))
    for row in mine[0]:
        values = [m[row] for m in mine]
        print(f"ctctool {row:12} {statistics.median(values):9.2f} ms ({min(values):.2f} to {max(values):.2f})")
    print(f"{'peer':42} {'ms':>10}   times ours: median (min to max)")
    for name, row, _ in rows:
        ratios = [t / m[row] for t, m in zip(times[name], mine)]
        print(
            f"{name:42} {statistics.median(times[name]):10.1f}   "
            f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        )


if __name__ == "__main__":
    main()
