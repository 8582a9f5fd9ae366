"""Times steered decoders that users would pick instead, and ours, with the same models, weights and logits.

    pip install -r benches/peers/requirements.txt kenlm
    python benches/peers/lm.py [--rounds 3] [--slow] [--ctctool PATH]
    python benches/peers/lm.py --arpa FILE     # how long that model takes to read, ours and KenLM's

pyctcdecode wants an older numpy than the others: run it by itself, with `pip install pyctcdecode kenlm`.

The input is fixtures/lines.npy, tiled to some 10,000 frames of 97 classes and decoded line by line, beam 100, one
thread, in process, reading and imports left out; our times are those of `cargo bench --bench lm`, run in the same
round. The error rates are those of the 16 lines. The peers multiply the score of unknown words by the weight and
count it in base-10 logarithms, so ours is given the same number; they prune tokens and hypotheses as they do by
default, ours prunes nothing. --slow adds flashlight with all tokens, and the others with nothing pruned but the beam:
those decode the 16 lines once a round, and their time is multiplied by the number of tiles (many minutes).
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

from decode import ROOT, lines, log_softmax

FIXTURES = ROOT / "fixtures"
WIDTH = 100
WIDTHS = (10, WIDTH)
LINES = 16
WEIGHT, WORD_BONUS, TOKEN_BONUS, UNKNOWN = 0.5, 1.5, 0.0, -10.0


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def rates(texts):
    references = (FIXTURES / "lines.txt").read_text(encoding="utf-8").splitlines()
    pairs = list(zip(references, texts))
    cer = sum(edits(r, t) for r, t in pairs) / sum(len(r) for r in references)
    wer = sum(edits(r.split(), t.split()) for r, t in pairs) / sum(len(r.split()) for r in references)
    return f"CER {cer:.4f} WER {wer:.4f}"


def peers(items, folder, slow):
    log_probs = [np.ascontiguousarray(log_softmax(x)) for x in items]
    rolled = [np.ascontiguousarray(np.roll(x, -1, axis=1)) for x in log_probs]
    names = (FIXTURES / "alphabet.txt").read_text(encoding="utf-8").split("\n")[:96]
    word_model = str(FIXTURES / "lm_word3.arpa")
    unigrams = [
        line.split("\t")[1]
        for line in open(word_model, encoding="utf-8").read().split("\\1-grams:\n")[1].split("\n\n")[0].split("\n")
    ]
    unigrams = [word for word in unigrams if word not in ("<s>", "</s>", "<unk>")]
    for module in ("ctc_beam_decoder", "pyctcdecode"):
        try:
            build = __import__(module).build_ctcdecoder
            decoder = build(names + [""], word_model, unigrams, alpha=WEIGHT, beta=WORD_BONUS, unk_score_offset=UNKNOWN)
        except (ImportError, OSError, RuntimeError) as error:
            print(f"left out: {module}: {error}")
            continue
        yield module, "word trigram", 1, lambda decoder=decoder: [decoder.decode(x, beam_width=WIDTH) for x in rolled]
        if slow:
            unpruned = {"beam_width": WIDTH, "token_min_logp": -1e9, "beam_prune_logp": -1e9}
            work = lambda decoder=decoder: [decoder.decode(x, **unpruned) for x in rolled[:LINES]]
            yield f"{module}, nothing pruned", "word trigram", len(rolled) // LINES, work

    try:
        from flashlight.lib.text.decoder import CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions
        from flashlight.lib.text.decoder.kenlm import KenLM
        from flashlight.lib.text.dictionary import Dictionary
    except ImportError as error:
        print(f"left out: {error}")
        return
    arpa = os.path.join(folder, "char.arpa")
    with open(arpa, "wb") as f:
        f.write(gzip.decompress((FIXTURES / "lm_char6.arpa.gz").read_bytes()))
    # The model's | is the space, so the alphabet's own | is unknown to it.
    respelled = {" ": "|", "|": "<bar>"}
    tokens = Dictionary()
    for name in ["<blank>", *names]:
        tokens.add_entry(respelled.get(name, name))
    model = KenLM(arpa, tokens)
    for count in (10, 97):
        if count == 97 and not slow:
            continue
        options = LexiconFreeDecoderOptions(
            beam_size=WIDTH, beam_size_token=count, beam_threshold=1e9, lm_weight=WEIGHT * math.log(10), sil_score=0.0,
            log_add=True, criterion_type=CriterionType.CTC,
        )
        decoder = LexiconFreeDecoder(options, model, -1, 0, [])

        def work(decoder=decoder):
            texts = []
            for x in log_probs:
                path = decoder.decode(x.ctypes.data, x.shape[0], x.shape[1])[0].tokens
                path = [c for i, c in enumerate(path) if c > 0 and (i == 0 or c != path[i - 1])]
                texts.append("".join(names[c - 1] for c in path))
            return texts

        yield f"flashlight, {count} tokens", "token 6-gram", 1, work


def ours():
    command = ["cargo", "bench", "--quiet", "--bench", "lm", "--", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def reading(path, rounds):
    import kenlm

    command = ["cargo", "bench", "--quiet", "--bench", "lm", "--", "--arpa", os.path.abspath(path)]
    mine, theirs = [], []
    for _ in range(rounds):
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        mine.append(float(output.split()[0]))
        start = time.perf_counter()
        kenlm.Model(path)
        theirs.append(1e3 * (time.perf_counter() - start))
    ratios = [b / a for a, b in zip(mine, theirs)]
    print(f"ctctool {statistics.median(mine):.1f} ms, kenlm {statistics.median(theirs):.1f} ms, ", end="")
    print(f"times ours: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


def our_texts(program, row, width):
    files = ["lines.npy", "--alphabet", "alphabet.txt", "--lengths", "lines.lengths.txt"]
    steering = {
        "word trigram": ["--lm", "lm_word3.arpa", "--word-bonus", str(WORD_BONUS)],
        "token 6-gram": ["--lm", "lm_char6.arpa.gz", "--lm-unit", "token", "--word-bonus", str(TOKEN_BONUS)],
    }[row]
    command = [program, "decode", *files, "--beam", str(width), "--lm-weight", str(WEIGHT), *steering, "--format", "text"]
    command += ["--unk-score", str(UNKNOWN * WEIGHT * math.log(10)), "--quiet"]
    return subprocess.run(command, cwd=FIXTURES, check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--ctctool", default=str(pathlib.Path(ROOT) / "target/release/ctctool"))
    parser.add_argument("--arpa")
    args = parser.parse_args()
    if args.arpa:
        reading(args.arpa, args.rounds)
        return
    items = lines()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(peers(items, folder, args.slow))
        ours()  # builds
        times, mine, texts = {row[0]: [] for row in rows}, [], {}
        for _ in range(args.rounds):
            mine.append(ours())
            for name, _, tiles, work in rows:
                start = time.perf_counter()
                texts[name] = work()
                times[name].append(1e3 * (time.perf_counter() - start) * tiles)
    for row in ("word trigram", "token 6-gram"):
        for width in WIDTHS:
            values = [m[f"{row}, beam {width}"] for m in mine]
            name = f"ctctool {row}, beam {width}"
            print(f"{name:34} {statistics.median(values):9.1f} ms  {rates(our_texts(args.ctctool, row, width))}")
    for name, row, _, _ in rows:
        print(f"{name:34} {statistics.median(times[name]):9.1f} ms  {rates(texts[name][:LINES])}  times ours:", end="")
        for width in WIDTHS:
            ratios = [t / m[f"{row}, beam {width}"] for t, m in zip(times[name], mine)]
            print(f"  beam {width} {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})", end="")
        print()


if __name__ == "__main__":
    main()
