"""python3 train.py STEPS out.pt [start.pt] [--seed N]: trains on lines drawn by gen.py.

The same steps and seed give the same weights with the same versions of the packages."""
import argparse
import multiprocessing as mp
import random
import time

import numpy as np
import torch
import torch.nn as nn

import gen
from net import Net

BATCH = 32
WIDEST = 440


def draw(queue, seed):
    random.seed(seed)
    np.random.seed(seed)
    while True:
        n = random.randint(6, 15)
        xs, ys = [], []
        for _ in range(BATCH):
            line, text = gen.sample(n)
            xs.append(gen.norm(line))
            ys.append(text)
        width = (min(WIDEST, max(x.shape[1] for x in xs)) + 3) // 4 * 4
        batch = np.zeros((BATCH, 1, 32, width), np.float32)
        for i, x in enumerate(xs):
            w = min(width, x.shape[1])
            batch[i, 0, :, :w] = x[:, :w]
            batch[i, 0, :, w:] = x[:, w - 1:w]
        queue.put((batch, ys))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("steps", type=int)
    p.add_argument("out")
    p.add_argument("start", nargs="?")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    queue = mp.Queue(8)
    painter = mp.Process(target=draw, args=(queue, a.seed), daemon=True)
    painter.start()
    net = Net()
    if a.start:
        net.load_state_dict(torch.load(a.start))
    print("parameters", sum(x.numel() for x in net.parameters()), flush=True)
    rate = 2e-3
    opt = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-4)
    ctc = nn.CTCLoss(blank=37, zero_infinity=True)
    begin, step, smooth = time.time(), 0, 0
    while step < a.steps:
        part = step / a.steps
        for g in opt.param_groups:
            g["lr"] = rate * min(1, step / 50 + .02) * (0.5 * (1 + np.cos(np.pi * part)) + .01)
        x, ys = queue.get()
        out = net(torch.from_numpy(x)).squeeze(2).permute(2, 0, 1).log_softmax(2)
        target = torch.tensor([gen.ALPHABET.index(c) for y in ys for c in y])
        lengths = torch.tensor([len(y) for y in ys])
        loss = ctc(out, target, torch.full((len(ys),), out.shape[0], dtype=torch.long), lengths)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        opt.step()
        step += 1
        smooth = loss.item() if step == 1 else .97 * smooth + .03 * loss.item()
        if step % 100 == 0:
            print(f"step {step} of {a.steps}, loss {smooth:.4f}, {time.time() - begin:.0f} s", flush=True)
        if step % 200 == 0:
            torch.save(net.state_dict(), a.out)
    net.eval()
    torch.save(net.state_dict(), a.out)
    painter.terminate()


if __name__ == "__main__":
    main()
