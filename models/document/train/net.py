"""The line reader: convolutions down to one row of W/4 frames, 38 classes each."""
import torch.nn as nn


def block(i, o, kernel=3, pad=1):
    return nn.Sequential(nn.Conv2d(i, o, kernel, 1, pad, bias=False), nn.BatchNorm2d(o), nn.ReLU(True))


class Net(nn.Module):
    def __init__(self, classes=38):
        super().__init__()
        a, b, c, d = 24, 48, 72, 96
        self.f = nn.Sequential(
            block(1, a), nn.MaxPool2d(2, 2),                           # 16 x W/2
            block(a, b), nn.MaxPool2d(2, 2),                           # 8 x W/4
            block(b, c), block(c, c), nn.MaxPool2d((2, 1), (2, 1)),    # 4 x W/4
            block(c, d), block(d, d),
            block(d, 128, (4, 3), (0, 1)),                             # 1 x W/4
            block(128, 128, (1, 5), (0, 2)),
            nn.Dropout(0.1), nn.Conv2d(128, classes, 1))

    def forward(self, x):
        return self.f(x)  # N, classes, 1, W/4
