"""Writes grad.json: gradients of the reduced losses as PyTorch gives them in double precision.

Run by hand like make_torch.py, whose generator of logits it shares.

`gradient` is flat in row-major order: of F.cross_entropy by the logits, or of F.ctc_loss by the logits before
log_softmax (shape [T, N, C]). An infeasible CTC item without zero_infinity has nan in the frames that it uses.
"""

import torch
import torch.nn.functional as F

from make_torch import check_generator, logits, plain, rows_of, write


def gradient(case, loss_of):
    x = torch.from_numpy(logits(case["seed"], case["scale"], case["shape"])).requires_grad_()
    loss = loss_of(x)
    loss.backward()
    return {**case, "loss": plain(loss.item()), "gradient": plain(x.grad.reshape(-1).tolist())}


def cross_entropy(name, seed, shape, target=None, target_probs=None, weight=None, ignore_index=-100,
                  label_smoothing=0.0, reduction="mean"):
    case = {"name": name, "criterion": "cross-entropy", "seed": seed, "scale": 0.5, "shape": list(shape),
            "target": target, "target_probs": target_probs, "weight": weight, "ignore_index": ignore_index,
            "label_smoothing": label_smoothing, "reduction": reduction}
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    if weight is not None:
        options["weight"] = torch.tensor(weight, dtype=torch.float64)
    if target_probs is None:
        y = torch.tensor(target, dtype=torch.int64).reshape(rows_of(shape))
        options["ignore_index"] = ignore_index
    else:
        y = torch.tensor(target_probs, dtype=torch.float64).reshape(shape)
    return gradient(case, lambda x: F.cross_entropy(x, y, **options))


def ctc(name, seed, T, C, blank, targets, lengths=None, zero_infinity=False, reduction="mean", scale=0.5):
    N = len(targets)
    lengths = lengths or [T] * N
    case = {"name": name, "criterion": "ctc", "seed": seed, "scale": scale, "shape": [T, N, C], "blank": blank,
            "targets": targets, "lengths": lengths, "zero_infinity": zero_infinity, "reduction": reduction}
    joined = torch.tensor([label for target in targets for label in target], dtype=torch.int64)
    sizes = torch.tensor([len(target) for target in targets])
    return gradient(case, lambda x: F.ctc_loss(
        x.log_softmax(-1), joined, torch.tensor(lengths), sizes, blank=blank, reduction=reduction,
        zero_infinity=zero_infinity))


def main():
    check_generator()
    w = [0.5, 2.0, 1.25, 0.0]
    probs = [0.5, 0.25, 0.25, 0.0, 0.0, 1.0, 0.0, 0.0, 0.125, 0.125, 0.25, 0.5]
    y3 = [0, 3, -100, 1, 2, 2]
    pairs = [[1, 2], [3, 3, 1]]
    write("grad.json", [
        cross_entropy("index mean", 1, (3, 4), [1, 3, 0]),
        cross_entropy("index sum", 2, (3, 4), [1, 3, 0], reduction="sum"),
        cross_entropy("one row", 3, (4,), [2]),
        cross_entropy("weights, ignored and smoothing", 4, (4, 4), [1, -1, 0, 2], weight=w, ignore_index=-1,
                      label_smoothing=0.2),
        cross_entropy("weights, sum", 5, (3, 4), [1, 3, 0], weight=w, reduction="sum"),
        cross_entropy("three axes", 6, (2, 4, 3), y3, weight=w),
        cross_entropy("probabilities", 7, (3, 4), target_probs=probs),
        cross_entropy("probabilities, weights and smoothing", 8, (3, 4), target_probs=probs, weight=w,
                      label_smoothing=0.3, reduction="sum"),
        ctc("ctc mean", 11, 6, 4, 0, pairs),
        ctc("ctc sum", 12, 6, 4, 0, pairs, reduction="sum"),
        ctc("ctc lengths", 13, 6, 4, 0, pairs, lengths=[3, 5]),
        ctc("ctc blank last", 14, 5, 4, 3, [[1, 2, 0], [2, 2]]),
        ctc("ctc one path", 15, 4, 4, 0, [[3, 3, 1], [1, 2, 3]], lengths=[4, 3]),
        ctc("ctc empty target", 16, 4, 4, 0, [[], [2]]),
        ctc("ctc infeasible", 17, 3, 4, 0, [[1, 1, 1], [2]], lengths=[3, 2]),
        ctc("ctc zero infinity", 17, 3, 4, 0, [[1, 1, 1], [2]], lengths=[3, 2], zero_infinity=True),
        # Logits from -256 to 256.
        ctc("ctc steep", 18, 8, 4, 0, pairs, scale=32.0),
    ])


if __name__ == "__main__":
    main()
