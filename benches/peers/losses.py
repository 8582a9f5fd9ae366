"""Times the losses of PyTorch and ours on the same numbers in one run.

    pip install -r benches/peers/requirements.txt
    cargo build --release
    python benches/peers/losses.py [--rounds 5] [--threads 2]

PyTorch runs in process, its data in memory and its import left out; ours is the whole command with reading and
printing, on as many threads. In each round each runs once; the ratio is taken round by round, so that a machine
whose speed drifts does not matter. A second table has other inputs, a third the loss with its gradient by the logits:
PyTorch's stays in memory, ours is written to a file. The fourth is the start of the program and the reading of a CSV
file, the latter against polars' reading alone, the last our kernels alone, with the data in memory as PyTorch has it:
`cargo bench --bench kernels`, once.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/ctctool"


def cross_entropy(folder, rng, rows, classes, dtype=np.float32):
    x = (rng.standard_normal((rows, classes), dtype=np.float32) * 3).astype(dtype)
    y = rng.integers(0, classes, rows)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    logits, target = torch.from_numpy(x), torch.from_numpy(y)
    return ["x.npy", "--labels", "y.npy"], logits, lambda x: F.cross_entropy(x, target)


def segmentation(folder, rng, *shape):
    """Each item has `shape[2:]` places, and of each class its values at all of them."""
    x = rng.standard_normal(shape, dtype=np.float32) * 3
    y = rng.integers(0, shape[1], shape[:1] + shape[2:])
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    logits, target = torch.from_numpy(x), torch.from_numpy(y)
    return ["x.npy", "--labels", "y.npy", "--class-axis", "1"], logits, lambda x: F.cross_entropy(x, target)


def class_probabilities(folder, rng, rows, classes):
    x = rng.standard_normal((rows, classes), dtype=np.float32) * 3
    logits = torch.from_numpy(x)
    target = F.softmax(logits + 1, -1)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", target.numpy())
    return ["x.npy", "--labels", "y.npy"], logits, lambda x: F.cross_entropy(x, target)


def ctc(folder, rng, frames, items, classes, length, dtype=np.float32):
    x = (rng.standard_normal((frames, items, classes), dtype=np.float32) * 3).astype(dtype)
    y = rng.integers(1, classes, (items, length))
    return ctc_of(folder, x, y, [frames] * items, [length] * items)


def trained_ctc(folder, rng, frames, items, classes, length):
    """In each frame one class wins by 12 nats: a label's where it lies, else the blank."""
    x = rng.standard_normal((frames, items, classes), dtype=np.float32) * 2
    y = rng.integers(1, classes, (items, length))
    for item, labels in enumerate(y):
        path = np.zeros(frames, int)
        path[np.sort(rng.choice(frames, length, replace=False))] = labels
        x[np.arange(frames), item, path] += 12
    return ctc_of(folder, x, y, [frames] * items, [length] * items)


def ctc_of(folder, x, y, lengths, label_lengths):
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    logits, target = torch.from_numpy(x), torch.from_numpy(y)
    input_lengths, target_lengths = torch.tensor(lengths), torch.tensor(label_lengths)
    args = ["x.npy", "--labels", "y.npy", "--layout", "tnc", "--criterion", "ctc"]
    for option, values in (("--lengths", lengths), ("--label-lengths", label_lengths)):
        (folder / option).write_text("\n".join(map(str, values)) + "\n")
        args += [option, f"./{option}"]
    return args, logits, lambda x: F.ctc_loss(F.log_softmax(x, -1), target, input_lengths, target_lengths)


def fixture(folder, tiles):
    logits = np.load(ROOT / "fixtures/lines.npy")
    lengths = [int(n) for n in (ROOT / "fixtures/lines.lengths.txt").read_text().split()]
    names = (ROOT / "fixtures/alphabet.txt").read_text(encoding="utf-8").split("\n")[:96]
    texts = (ROOT / "fixtures/lines.txt").read_text(encoding="utf-8").splitlines()
    labels = [[names.index(c) + 1 for c in text] for text in texts]
    longest = max(map(len, labels))
    padded = np.array([label + [0] * (longest - len(label)) for label in labels])
    x = np.ascontiguousarray(np.tile(logits, (tiles, 1, 1)).transpose(1, 0, 2))
    return ctc_of(folder, x, np.tile(padded, (tiles, 1)), lengths * tiles, [len(l) for l in labels] * tiles)


def seconds(work):
    # Whoever ran before may still have threads that wait for more work without sleeping.
    time.sleep(0.05)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(command):
    """Runs a command to its end, what it prints in a file; Python's own way takes a millisecond longer."""
    to_file = (os.POSIX_SPAWN_OPEN, 1, "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=[to_file])
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit(f"{command} failed")


def compare(name, ours, theirs, rounds, before=lambda: None):
    """`before` runs, untimed, before each of ours."""
    before(), ours(), theirs()
    pairs = [(before(), seconds(ours), seconds(theirs))[1:] for _ in range(rounds)]
    mine, peer = (statistics.median(column) for column in zip(*pairs))
    ratios = [b / a for a, b in pairs]
    print(
        f"| {name} | {1e3 * peer:.1f} | {1e3 * mine:.1f} | "
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}) |",
        flush=True,
    )
    return 1e3 * peer


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(1)
    print(f"torch {torch.__version__}, {args.threads} threads")
    print("| work | peer, ms | ours, ms | times faster |\n|---|---|---|---|")
    rows = [
        ("cross-entropy 100,000 × 1000", lambda f: cross_entropy(f, rng, 100_000, 1000)),
        ("cross-entropy 1,000,000 × 10", lambda f: cross_entropy(f, rng, 1_000_000, 10)),
        ("cross-entropy 4,000 × 50,000", lambda f: cross_entropy(f, rng, 4000, 50_000)),
        ("CTC T500 N32 C32 L80", lambda f: ctc(f, rng, 500, 32, 32, 80)),
        ("CTC T500 N16 C5000 L80", lambda f: ctc(f, rng, 500, 16, 5000, 80)),
        ("CTC T1500 N8 C1000 L300", lambda f: ctc(f, rng, 1500, 8, 1000, 300)),
        ("CTC, real fixture, 5 tiles", lambda f: fixture(f, 5)),
        ("CTC, real fixture, 50 tiles", lambda f: fixture(f, 50)),
    ]
    others = [
        ("CTC T26 N20,000 C37 L6", lambda f: ctc(f, rng, 26, 20_000, 37, 6)),
        ("cross-entropy 100,000 × 200", lambda f: cross_entropy(f, rng, 100_000, 200)),
        ("cross-entropy 50,000 × 1000, doubles", lambda f: cross_entropy(f, rng, 50_000, 1000, np.float64)),
        ("cross-entropy 500,000 × 10, doubles", lambda f: cross_entropy(f, rng, 500_000, 10, np.float64)),
        ("cross-entropy 100,000 × 1000, halves", lambda f: cross_entropy(f, rng, 100_000, 1000, np.float16)),
        ("cross-entropy (4, 21, 256, 256)", lambda f: segmentation(f, rng, 4, 21, 256, 256)),
        ("cross-entropy (8, 21, 512, 512)", lambda f: segmentation(f, rng, 8, 21, 512, 512)),
        ("cross-entropy (16, 5, 1,000,000)", lambda f: segmentation(f, rng, 16, 5, 1_000_000)),
        ("cross-entropy (64, 100, 5000)", lambda f: segmentation(f, rng, 64, 100, 5000)),
        ("cross-entropy (4, 150, 256, 256)", lambda f: segmentation(f, rng, 4, 150, 256, 256)),
        ("class probabilities 200,000 × 100", lambda f: class_probabilities(f, rng, 200_000, 100)),
        ("CTC T500 N16 C5000 L80, doubles", lambda f: ctc(f, rng, 500, 16, 5000, 80, np.float64)),
        ("CTC T1500 N8 C1000 L300, as if trained", lambda f: trained_ctc(f, rng, 1500, 8, 1000, 300)),
    ]
    theirs_ms = {}
    threads = ["--threads", str(args.threads)]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        os.chdir(folder)

        def program(*words):
            return lambda: run([PROGRAM, *words])

        for title, make in rows:
            words, logits, loss = make(folder)
            ours = program("loss", *words, *threads)
            theirs_ms[title] = compare(title, ours, lambda: loss(logits), args.rounds)
        print("\n| other inputs | peer, ms | ours, ms | times faster |\n|---|---|---|---|")
        for title, make in others:
            words, logits, loss = make(folder)
            compare(title, program("loss", *words, *threads), lambda: loss(logits), args.rounds)
        # The last of them, read.
        read = program("decode", "x.npy", "--layout", "tnc", *threads, "--format", "text")
        best = lambda: [path.unique_consecutive() for path in F.log_softmax(logits, -1).max(-1)[1].T]
        compare("greedy T1500 N8 C1000", read, best, args.rounds)
        print("\n| gradient | peer, ms | ours, ms | times faster |\n|---|---|---|---|")
        for title, make in rows:
            words, logits, loss = make(folder)
            logits.requires_grad_()
            ours = program("loss", *words, *threads, "--grad", "gradient.npy")
            # To replace a file takes some systems as long as to write it.
            new = lambda: (folder / "gradient.npy").unlink(missing_ok=True)
            compare(title, ours, lambda: torch.autograd.grad(loss(logits), logits), args.rounds, new)
        print("\n| besides | peer, ms | ours, ms | times faster |\n|---|---|---|---|")
        compare("start (--version), against `true`", program("--version"), lambda: run(["true"]), 20)
        try:
            import polars
        except ImportError as error:
            print(f"left out: {error}")
            return
        x = rng.standard_normal((100_000, 100), dtype=np.float32)
        np.savetxt(folder / "x.csv", x, fmt="%.6f", delimiter=",")
        (folder / "y.txt").write_text("\n".join(map(str, rng.integers(0, 100, 100_000))) + "\n")
        read = lambda: polars.read_csv(folder / "x.csv", has_header=False)
        compare("CSV 100,000 × 100, against polars' reading", program("loss", "x.csv", "--labels", "y.txt"), read, args.rounds)
    kernels(theirs_ms, args.threads)


def kernels(theirs_ms, threads):
    command = ["cargo", "bench", "--bench", "kernels", "--", "--json", "--threads", str(threads)]
    ours = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    print("\n| kernel alone | peer, ms | ours, ms | times faster | sum of the array, ms |\n|---|---|---|---|---|")
    for title, peer in theirs_ms.items():
        kind, _, shape = title.partition(" ")
        shape = shape.replace(",", "").replace("×", "x")
        name = f"fast log-sum-exp {shape}" if kind == "cross-entropy" else title
        if name in ours:
            total = f"{ours[f'sum {shape}']:.1f}" if f"sum {shape}" in ours else ""
            print(f"| {title} | {peer:.1f} | {ours[name]:.1f} | {peer / ours[name]:.1f} | {total} |")


if __name__ == "__main__":
    main()
