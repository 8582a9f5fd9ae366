"""Writes cross_entropy.json and ctc.json: losses as PyTorch gives them in double precision.

Run by hand, from any directory, with Python 3.11 and the versions in
requirements.txt (torch 2.15.0 on the CPU):

    pip install -r requirements.txt
    python make_torch.py

Each file is a JSON list with one case a line. Logits are not stored but made
from a seed, see `logits` below; every value is exact in single precision
(values in `overrides` are doubles).
`overrides` is a list of [flat index, value] put over them, with "-inf", "inf"
and "nan" as strings here and in the expected values.

Cross-entropy: `target` is the flat list of class indices, or `target_probs`
the flat list of class probabilities (in the logits' shape). `expected` holds
F.cross_entropy for each reduction; `none` is flat, in row-major order.

CTC: logits of shape [T, N, C] are put through log_softmax; `targets` is a list
of labels for each item. `expected` is F.ctc_loss for each reduction,
`expected_zero_infinity` the same with zero_infinity=True. The mean divides each
item's loss by its target length, taken as at least 1, and then by N.

Where a loss is far below 1 PyTorch's own rounding shows: its values are within
1e-12 (relative) or 2e-15 (absolute) of the true ones, and a loss too small for
1 - p to differ from 1 is given as 0 or -0.0. A comparison needs some absolute
tolerance (1e-14 will do).

What is left out, because PyTorch is no reference there:
no frames at all (T = 0) and no items (N = 0) are refused by its CTC loss; an
input length above T or below 0 is refused too; a label outside [0, C) or equal
to the blank gives an arbitrary number. A length of 0 within a longer array is
well defined (0 for an empty target, which it gives as -0.0, else infinite) and
is here. So are the places where it multiplies 0 by infinity and gives nan: a
-inf at a class whose weight, probability or share (smoothing 1) is 0.
"""

import json
import math
import os
import random

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
MASK = (1 << 64) - 1
INF = math.inf

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def splitmix64(state):
    """One draw: the new state and the 64-bit result (the plain definition)."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


def logits(seed, scale, shape):
    """The array of a case: ((z >> 40) - 2^23) / 2^20 * scale for each draw, row-major."""
    n = math.prod(shape)
    with np.errstate(over="ignore"):
        steps = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(seed) + steps
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    x = ((z >> np.uint64(40)).astype(np.float64) - 2.0**23) / 2.0**20 * scale
    assert np.array_equal(x, x.astype(np.float32))
    return x.reshape(shape)


def check_generator():
    state, want = 42, []
    for _ in range(5):
        state, z = splitmix64(state)
        want.append(((z >> 40) - 2**23) / 2**20 * 0.5)
    assert logits(42, 0.5, (5,)).tolist() == want


def plain(x):
    """Numbers as JSON can hold them."""
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else ("inf" if x > 0 else "-inf")
    return x


def as_tensor(case, shape):
    x = logits(case["seed"], case["scale"], shape)
    flat = x.reshape(-1)
    for index, value in case.get("overrides", []):
        flat[index] = value
    return torch.from_numpy(x)


def reductions(f):
    none = f("none")
    return {
        "none": plain(none.reshape(-1).tolist()),
        "mean": plain(f("mean").item()),
        "sum": plain(f("sum").item()),
    }


def write(name, cases):
    names = [c["name"] for c in cases]
    assert len(set(names)) == len(names), "names are not unique"
    lines = []
    for c in cases:
        c = dict(c)
        if "overrides" in c:
            c["overrides"] = [[i, plain(v)] for i, v in c["overrides"]]
        lines.append(json.dumps(c, separators=(",", ":"), allow_nan=False))
    with open(os.path.join(HERE, name), "w", encoding="ascii", newline="\n") as f:
        f.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(name, len(cases), "cases,", os.path.getsize(os.path.join(HERE, name)), "bytes")


# ---------------------------------------------------------------- cross-entropy


def class_axis(shape):
    return 0 if len(shape) == 1 else 1


def rows_of(shape):
    axis = class_axis(shape)
    return [d for i, d in enumerate(shape) if i != axis]


def flat_index(shape, row, c):
    """Place of class c of row number `row` (row-major over the other axes)."""
    if len(shape) == 1:
        return c
    inner = math.prod(shape[2:])
    n, rest = divmod(row, inner)
    return (n * shape[1] + c) * inner + rest


def ce_expected(case):
    shape = case["shape"]
    x = as_tensor(case, shape)
    weight = None if case["weight"] is None else torch.tensor(case["weight"], dtype=torch.float64)
    if case.get("target_probs") is not None:
        target = torch.tensor(case["target_probs"], dtype=torch.float64).reshape(shape)
        extra = {}
    else:
        target = torch.tensor(case["target"], dtype=torch.int64).reshape(rows_of(shape))
        extra = {"ignore_index": case["ignore_index"]}

    def run(reduction):
        return F.cross_entropy(
            x, target, weight=weight, reduction=reduction,
            label_smoothing=case["label_smoothing"], **extra,
        )

    return reductions(run)


def ce_case(name, seed, scale, shape, target=None, target_probs=None, weight=None,
            ignore_index=-100, label_smoothing=0.0, overrides=None):
    case = {
        "name": name, "seed": seed, "scale": scale, "shape": list(shape),
        "target": target, "target_probs": target_probs, "weight": weight,
        "ignore_index": ignore_index, "label_smoothing": label_smoothing,
    }
    if overrides:
        case["overrides"] = overrides
    case["expected"] = ce_expected(case)
    return case


def weights_of(kind, classes, rng, used=()):
    if kind == "none":
        return None
    w = [rng.randrange(1, 25) / 8 for _ in range(classes)]
    if kind == "zeros":
        w = [0.0 if i % 2 == 0 else v for i, v in enumerate(w)]
    if kind == "allzero":
        w = [0.0] * classes
    if kind == "unused":  # all of the weight on classes that are no one's target
        w = [0.0 if i in used else v for i, v in enumerate(w)]
    return w


def random_probs(shape, rng, normalised):
    axis = class_axis(shape)
    p = np.array([rng.randrange(0, 65) for _ in range(math.prod(shape))], dtype=np.float64)
    p = p.reshape(shape)
    if normalised:
        total = p.sum(axis=axis, keepdims=True)
        p = p / np.where(total == 0, 1, total)
        p = np.where(total == 0, 1.0 / shape[axis], p)
    else:
        p = p / 32
    return p.reshape(-1).tolist()


def cross_entropy_cases():
    rng = random.Random(20240601)
    cases = []
    seed = [1000]

    def add(name, scale, shape, **kw):
        seed[0] += 1
        cases.append(ce_case(name, seed[0], scale, shape, **kw))

    def targets(shape):
        classes = shape[class_axis(shape)]
        return [rng.randrange(classes) for _ in range(math.prod(rows_of(shape)))]

    shapes = [(5,), (1,), (1, 4), (4, 1), (6, 3), (8, 17), (3, 4, 5), (2, 3, 2, 3)]
    scales = [1 / 8, 1, 16]
    turn = 0

    # Shapes by weights by smoothing, with a tenth or so ignored by -100.
    for shape in shapes:
        for kind in ["none", "positive", "zeros"]:
            for eps in [0.0, 0.1, 1.0]:
                t = targets(shape)
                if turn % 2 and len(t) > 1:
                    for i in rng.sample(range(len(t)), max(1, len(t) // 5)):
                        t[i] = -100
                name = f"index {'x'.join(map(str, shape))} weight {kind} smoothing {eps:g}"
                add(name, scales[turn % 3], shape, target=t, label_smoothing=eps,
                    weight=weights_of(kind, shape[class_axis(shape)], rng))
                turn += 1

    # Ignored targets: which index, how many.
    for ignore in [-100, 0, 2, 250]:
        for much in ["none", "some", "all"]:
            for eps, kind in [(0.0, "none"), (0.1, "positive")]:
                shape = (7, 5) if ignore != 2 else (3, 4, 3)
                t = targets(shape)
                if much == "none":
                    t = [1 if v == ignore else v for v in t]
                elif much == "some":
                    for i in rng.sample(range(len(t)), 3):
                        t[i] = ignore
                else:
                    t = [ignore] * len(t)
                add(f"ignore {ignore} {much} smoothing {eps:g} weight {kind}", 1, shape, target=t,
                    ignore_index=ignore, label_smoothing=eps,
                    weight=weights_of(kind, shape[1], rng))
    add("ignore 1-D", 1, (4,), target=[-100])
    add("ignore 1-D smoothing 0.1", 1, (4,), target=[3], ignore_index=3, label_smoothing=0.1)

    # No rows.
    for shape in [(0, 3), (0, 3, 2), (2, 3, 0)]:
        for eps in [0.0, 0.1]:
            label = "x".join(map(str, shape))
            add(f"no rows {label} smoothing {eps:g}", 1, shape, target=[], label_smoothing=eps)
    add("no rows 0x3 probabilities", 1, (0, 3), target_probs=[])
    add("no rows 0x3 weight positive", 1, (0, 3), target=[], weight=[1.0, 2.0, 0.5])

    # Weights that sum to 0 over the rows.
    for eps in [0.0, 0.1]:
        add(f"weight all zero smoothing {eps:g}", 1, (4, 3), target=[0, 1, 2, 1],
            weight=[0.0] * 3, label_smoothing=eps)
        add(f"weight on unused classes smoothing {eps:g}", 1, (4, 5), target=[0, 1, 1, 0],
            weight=weights_of("unused", 5, rng, (0, 1)), label_smoothing=eps)
        add(f"weight on the ignored class only smoothing {eps:g}", 1, (5, 3),
            target=[0, 2, 1, 2, 0], weight=[0.0, 0.0, 2.0], ignore_index=2, label_smoothing=eps)

    # Class probabilities.
    for shape in [(5,), (1, 4), (4, 1), (6, 3), (5, 9), (2, 4, 3), (2, 3, 2, 2)]:
        for eps in [0.0, 0.1, 1.0]:
            for normalised in [True, False]:
                kind = ["none", "positive", "zeros"][turn % 3]
                name = (f"probabilities {'x'.join(map(str, shape))} weight {kind} "
                        f"smoothing {eps:g} {'sum to one' if normalised else 'any sum'}")
                add(name, scales[turn % 3 - 1], shape, label_smoothing=eps,
                    target_probs=random_probs(shape, rng, normalised),
                    weight=weights_of(kind, shape[class_axis(shape)], rng))
                turn += 1
    add("probabilities one-hot", 1, (3, 4), 
        target_probs=[float(v) for v in [0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0]])
    add("probabilities weight all zero", 1, (3, 4),
        target_probs=random_probs((3, 4), rng, True), weight=[0.0] * 4)

    # Not finite: at the target, elsewhere, in an ignored row; with weights of 0.
    shape = (4, 3)
    for value, word in [(-INF, "-inf"), (INF, "inf"), (math.nan, "nan")]:
        for eps in [0.0, 0.1]:
            for place, c in [("target", 1), ("elsewhere", 2)]:
                add(f"{word} at {place} smoothing {eps:g}", 1, shape, target=[0, 1, 2, 1],
                    label_smoothing=eps, overrides=[[flat_index(shape, 1, c), value]])
            add(f"{word} in an ignored row smoothing {eps:g}", 1, shape, target=[0, -100, 2, 1],
                label_smoothing=eps, overrides=[[flat_index(shape, 1, 0), value]])
    for place, c in [("target", 1), ("elsewhere", 2)]:
        add(f"-inf at {place} smoothing 1", 1, shape, target=[0, 1, 2, 1],
            label_smoothing=1.0, overrides=[[flat_index(shape, 1, c), -INF]])
    for eps in [0.0, 0.1]:
        row = [[flat_index(shape, 2, c), -INF] for c in range(3)]
        add(f"row of -inf smoothing {eps:g}", 1, shape, target=[0, 1, 2, 1],
            label_smoothing=eps, overrides=row)
        add(f"row of -inf ignored smoothing {eps:g}", 1, shape, target=[0, 1, -100, 1],
            label_smoothing=eps, overrides=row)
        add(f"-inf at a target of weight 0 smoothing {eps:g}", 1, shape, target=[0, 1, 2, 1],
            weight=[1.0, 0.0, 2.0], label_smoothing=eps,
            overrides=[[flat_index(shape, 1, 1), -INF]])
        add(f"-inf elsewhere at a class of weight 0 smoothing {eps:g}", 1, shape,
            target=[0, 1, 2, 1], weight=[1.0, 1.0, 0.0], label_smoothing=eps,
            overrides=[[flat_index(shape, 1, 2), -INF]])
        add(f"-inf in probabilities where the target is 0 smoothing {eps:g}", 1, (2, 3),
            target_probs=[0.5, 0.5, 0.0, 0.25, 0.25, 0.5], label_smoothing=eps,
            overrides=[[2, -INF]])
        add(f"-inf in probabilities where the target is positive smoothing {eps:g}", 1, (2, 3),
            target_probs=[0.5, 0.5, 0.0, 0.25, 0.25, 0.5], label_smoothing=eps,
            overrides=[[1, -INF]])
    add("-inf at the target 1-D", 1, (4,), target=[2], overrides=[[2, -INF]])
    add("-inf at the target 2x3x2", 1, (2, 3, 2), target=[0, 1, 2, 0],
        overrides=[[flat_index((2, 3, 2), 1, 1), -INF]])

    # Far apart values: overflow and cancellation.
    big = (3, 4)
    add("very large logits", 1, big, target=[0, 1, 2],
        overrides=[[0, 1e30], [1, -1e30], [5, 1e300], [10, -1e300], [8, 5000.0]])
    add("large common offset", 1, big, target=[0, 1, 2],
        overrides=[[i, 1e6 + i / 8] for i in range(12)])
    add("all equal", 1, big, target=[0, 1, 2], overrides=[[i, 3.0] for i in range(12)])
    add("target wins by far", 1, big, target=[0, 1, 2],
        overrides=[[0, 40.0], [5, 45.0], [10, 60.0]])

    # Larger ones.
    for shape in [(300, 1000), (2000, 10)]:
        for i, (eps, kind) in enumerate([(0.0, "none"), (0.1, "positive"), (0.0, "zeros")]):
            if shape[1] == 1000 and i:
                kind = "none"
            t = targets(shape)
            if i:
                t = [-100 if k % 11 == 5 else v for k, v in enumerate(t)]
            add(f"large {shape[0]}x{shape[1]} number {i} smoothing {eps:g} weight {kind}",
                scales[i], shape, target=t, label_smoothing=eps,
                weight=weights_of(kind, shape[1], rng))
    return cases


# -------------------------------------------------------------------------- CTC


def ctc_expected(case, zero_infinity):
    x = as_tensor(case, (case["T"], case["N"], case["C"]))
    lp = F.log_softmax(x, dim=2)
    flat = [v for t in case["targets"] for v in t]

    def run(reduction):
        return F.ctc_loss(
            lp, torch.tensor(flat, dtype=torch.int64),
            torch.tensor(case["input_lengths"], dtype=torch.int64),
            torch.tensor([len(t) for t in case["targets"]], dtype=torch.int64),
            blank=case["blank"], reduction=reduction, zero_infinity=zero_infinity,
        )

    return reductions(run)


def ctc_check(case):
    """An independent forward pass in plain Python over the same values."""
    lp = F.log_softmax(as_tensor(case, (case["T"], case["N"], case["C"])), dim=2).tolist()

    def lse(values):
        top = max(values)
        if any(math.isnan(v) for v in values):
            return math.nan
        if top == -INF:
            return -INF
        return top + math.log(math.fsum(math.exp(v - top) for v in values))

    losses = []
    for n, labels in enumerate(case["targets"]):
        ext = [case["blank"]]
        for v in labels:
            ext += [v, case["blank"]]
        frames = case["input_lengths"][n]
        alpha = [-INF] * len(ext)
        for t in range(frames):
            new = []
            for s, v in enumerate(ext):
                if t == 0:
                    into = [0.0 if s < 2 else -INF]
                else:
                    into = [alpha[s]]
                    if s >= 1:
                        into.append(alpha[s - 1])
                    if s >= 2 and v != case["blank"] and v != ext[s - 2]:
                        into.append(alpha[s - 2])
                new.append(lse(into) + lp[t][n][v])
            alpha = new
        if frames == 0:
            losses.append(INF if labels else 0.0)
        else:
            losses.append(-lse(alpha[-2:]))
    return losses


def ctc_case(name, seed, scale, T, C, blank, targets, input_lengths=None, overrides=None,
             check=True):
    case = {
        "name": name, "seed": seed, "scale": scale, "T": T, "N": len(targets), "C": C,
        "blank": blank, "targets": targets,
        "input_lengths": input_lengths or [T] * len(targets),
    }
    if overrides:
        case["overrides"] = overrides
    case["expected"] = ctc_expected(case, False)
    case["expected_zero_infinity"] = ctc_expected(case, True)
    if check:
        for i, (want, got) in enumerate(zip(ctc_check(case), case["expected"]["none"])):
            got = float(got)
            same = want == got or abs(want - got) <= 1e-11 * max(1.0, abs(want))
            if not (same or (math.isnan(want) and math.isnan(got))):
                print("disagrees with the plain recursion:", name, "item", i, want, got)
    return case


def frames_needed(labels):
    return len(labels) + sum(a == b for a, b in zip(labels, labels[1:]))


def ctc_cases():
    rng = random.Random(20240602)
    cases = []
    seed = [5000]
    scales = [1 / 8, 1, 16]

    def add(name, scale, T, C, blank, targets, **kw):
        seed[0] += 1
        cases.append(ctc_case(name, seed[0], scale, T, C, blank, targets, **kw))

    def labels(length, C, blank, repeats=0.3):
        allowed = [c for c in range(C) if c != blank]
        out = []
        for _ in range(length):
            if out and rng.random() < repeats:
                out.append(out[-1])
            else:
                out.append(rng.choice(allowed))
        return out

    # A grid over frames, classes, blank and scale; some items come out infeasible.
    turn = 0
    for T in [1, 2, 3, 4, 6, 9, 13, 20, 29, 40]:
        for C in [2, 3, 6, 11]:
            blank = [0, C - 1, C // 2][turn % 3]
            for scale in [scales[turn % 3], scales[(turn + 1 + T % 2) % 3]]:
                n = 1 + turn % 3
                t, lengths = [], []
                for i in range(n):
                    frames = T if i == 0 else rng.randrange(max(1, T // 2), T + 1)
                    lengths.append(frames)
                    longest = min(30, frames + (turn % 5 == 0))
                    t.append(labels(rng.randrange(0, longest + 1), C, blank,
                                    rng.choice([0, 0.3])))
                add(f"grid T{T} C{C} blank {blank} number {turn}", scale, T, C, blank, t,
                    input_lengths=lengths)
                turn += 1

    # Exactly as many frames as are needed, one fewer, one more.
    for length in [1, 2, 5, 12, 30]:
        for blank, C in [(0, 5), (4, 5), (2, 5)]:
            t = labels(length, C, blank, 0.5)
            need = frames_needed(t)
            for T in [need - 1, need, need + 1]:
                if T >= 1:
                    add(f"L{length} needs {need} has {T} blank {blank}", 1, T, C, blank, [t])

    # By hand.
    add("one label repeated", 1, 7, 3, 0, [[1, 1, 1]])
    add("all labels the same, too few frames", 1, 4, 3, 0, [[1, 1, 1]])
    add("empty target", 1, 5, 3, 0, [[]])
    add("empty target blank last", 16, 5, 3, 2, [[]])
    add("all targets empty", 1, 5, 3, 0, [[], [], []], input_lengths=[5, 3, 1])
    add("empty among others", 1, 6, 4, 0, [[1, 2], [], [3, 3]])
    add("one class, the blank, empty target", 1, 4, 1, 0, [[]])
    add("infeasible among others", 1, 4, 4, 0, [[1, 2], [1, 1, 1], [1, 2, 3, 1, 2], [3]])
    add("all infeasible", 1, 2, 4, 0, [[1, 1], [1, 2, 3]])
    add("one frame one label", 1, 1, 4, 0, [[2]])
    add("one frame two labels", 1, 1, 4, 0, [[2, 3]])
    add("lengths shorter than T", 1, 12, 5, 0, [[1, 2], [3], [4, 4], []],
        input_lengths=[12, 1, 5, 2])
    add("padding frames are not looked at", 1, 4, 3, 0, [[1], [2]], input_lengths=[4, 2],
        overrides=[[(t * 2 + 1) * 3 + c, v] for t in (2, 3) for c, v in
                   ((0, math.nan), (1, INF), (2, -INF))])

    # No frames at all.
    add("length 0, empty target", 1, 3, 3, 0, [[1], []], input_lengths=[3, 0])
    add("length 0, one label", 1, 3, 3, 0, [[1], [2]], input_lengths=[3, 0])
    add("length 0, three labels", 1, 3, 3, 0, [[1], [2, 1, 2]], input_lengths=[3, 0])
    add("length 0 everywhere", 1, 3, 3, 0, [[], [1]], input_lengths=[0, 0])

    # Infinite values that leave a path, that leave none, and that spoil the frame.
    add("-inf at a label in one frame", 1, 5, 3, 0, [[1, 2]], overrides=[[1 * 3 + 1, -INF]])
    add("-inf at a label in every frame", 1, 5, 3, 0, [[1, 2], [1]],
        overrides=[[(t * 2 + 0) * 3 + 2, -INF] for t in range(5)])
    add("-inf at the blank in every frame", 1, 5, 3, 0, [[1, 2]],
        overrides=[[t * 3, -INF] for t in range(5)])
    add("-inf at the blank in every frame, repeat", 1, 5, 3, 0, [[1, 1]],
        overrides=[[t * 3, -INF] for t in range(5)])
    add("-inf at the blank in every frame, empty target", 1, 3, 3, 0, [[]],
        overrides=[[t * 3, -INF] for t in range(3)])
    add("-inf at a class that is not used", 1, 5, 4, 0, [[1, 2]],
        overrides=[[t * 4 + 3, -INF] for t in range(5)])
    add("one-hot frames, the right path", 1, 4, 3, 0, [[1, 2]],
        overrides=[[t * 3 + c, 0.0 if c == p else -INF]
                   for t, p in enumerate([1, 1, 0, 2]) for c in range(3)])
    add("one-hot frames, the wrong path", 1, 4, 3, 0, [[2, 1]],
        overrides=[[t * 3 + c, 0.0 if c == p else -INF]
                   for t, p in enumerate([1, 1, 0, 2]) for c in range(3)])
    add("nan in a frame", 1, 4, 3, 0, [[1], [2]], overrides=[[1 * 2 * 3, math.nan]])
    add("inf in a frame", 1, 4, 3, 0, [[1], [2]], overrides=[[1 * 2 * 3, INF]])
    add("a frame of -inf", 1, 4, 3, 0, [[1], [2]],
        overrides=[[1 * 2 * 3 + c, -INF] for c in range(3)])

    # The blank sure of itself at the wrong place, where linear space underflows.
    for gap in [50, 400, 900, 5000]:
        T, C = 40, 4
        over = [[t * C + c, float(gap) if c == 0 else 0.0] for t in range(8, 32) for c in range(C)]
        add(f"sure blank in the middle, gap {gap}", 1, T, C, 0, [[1, 2, 3] * 10],
            overrides=over)
        over = [[t * C + c, float(gap) if c == 1 + t % 3 else 0.0]
                for t in range(T) for c in range(C)]
        add(f"sure labels against the target, gap {gap}", 1, T, C, 0, [[3, 2, 1] * 5],
            overrides=over)

    # Long ones.
    for i, (T, L, C) in enumerate([(500, 80, 32), (500, 80, 32), (500, 80, 32), (1500, 300, 50),
                                   (1500, 300, 50)]):
        scale = scales[i % 3]
        t = [labels(L, C, 0, 0.1), labels(L - 7, C, 0, 0.1)]
        add(f"long T{T} L{L} C{C} scale {scale:g}", scale, T, C, 0, t,
            input_lengths=[T, T - T // 5], check=T <= 500)
    return cases


def main():
    check_generator()
    print("torch", torch.__version__, "numpy", np.__version__)
    write("cross_entropy.json", cross_entropy_cases())
    write("ctc.json", ctc_cases())


if __name__ == "__main__":
    main()
