"""python3 export.py out.pt out.onnx: writes ONNX and compares it with OpenCV's reading of it."""
import os
import sys

import cv2
import numpy as np
import torch

from net import Net

source, target = sys.argv[1:3]
net = Net()
net.load_state_dict(torch.load(source))
net.eval()
torch.onnx.export(net, torch.zeros(1, 1, 32, 896), target, input_names=["x"], output_names=["y"],
                  dynamic_axes={"x": {3: "w"}, "y": {3: "t"}}, opset_version=11)
x = np.random.rand(1, 1, 32, 896).astype(np.float32)
other = cv2.dnn.readNetFromONNX(target)
other.setInput(x)
seen = other.forward()
with torch.no_grad():
    own = net(torch.from_numpy(x)).numpy()
print(seen.shape, "largest difference", abs(seen - own).max(), "bytes", os.path.getsize(target))
