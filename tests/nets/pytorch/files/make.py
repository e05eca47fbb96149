"""The nets of the tutorials as they are in PyTorch, and small ones of each, saved with what PyTorch says of them.

See README.md for how to run it.
"""

import json
import math
import struct
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent


def mnist_generator(latents=96, hidden=1024, innermost=128, outermost=64):
    return nn.Sequential(
        nn.Linear(latents, hidden), nn.ReLU(), nn.BatchNorm1d(hidden),
        nn.Linear(hidden, 49 * innermost), nn.ReLU(), nn.BatchNorm1d(49 * innermost),
        nn.Unflatten(1, (innermost, 7, 7)),
        nn.ConvTranspose2d(innermost, outermost, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(outermost),
        nn.ConvTranspose2d(outermost, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def mnist_discriminator(outermost=32, innermost=64, hidden=1024):
    return nn.Sequential(
        nn.Conv2d(1, outermost, 5), nn.LeakyReLU(0.01), nn.MaxPool2d(2),
        nn.Conv2d(outermost, innermost, 5), nn.LeakyReLU(0.01), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * innermost, hidden), nn.LeakyReLU(0.01), nn.Linear(hidden, 1),
    )  # fmt: skip


def mlp_generator(latents=100, first=256, second=512, side=28):
    return nn.Sequential(
        nn.Linear(latents, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(),
        nn.Linear(second, side * side), nn.Tanh(), nn.Unflatten(1, (1, side, side)),
    )  # fmt: skip


def mlp_discriminator(first=512, second=256, side=28):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(side * side, first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, 1),
    )


class Mnist56Generator(nn.Module):
    """As a class, so that its tensors have the names of its attributes."""

    def __init__(self, latents=100, innermost=256, side=7):
        super().__init__()
        self.shape = (innermost, side, side)
        self.fc = nn.Linear(latents, math.prod(self.shape))
        self.deconv1 = nn.ConvTranspose2d(innermost, innermost // 2, 4, 2, 1)
        self.deconv2 = nn.ConvTranspose2d(innermost // 2, innermost // 4, 4, 2, 1)
        self.deconv3 = nn.ConvTranspose2d(innermost // 4, 1, 4, 2, 1)

    def forward(self, x):
        x = torch.relu(self.fc(x)).view(-1, *self.shape)
        x = torch.relu(self.deconv1(x))
        return torch.tanh(self.deconv3(torch.relu(self.deconv2(x))))


def mnist56_discriminator(outermost=64, side=7):
    return nn.Sequential(
        nn.Conv2d(1, outermost, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(outermost, 2 * outermost, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(2 * outermost, 4 * outermost, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(4 * outermost * side**2, 1),
    )  # fmt: skip


class FacesGenerator(nn.Module):
    """widths: of all layers but the last. last: its kernel, and with 5 its stride is 3."""

    def __init__(self, latents=100, widths=(512, 256, 128, 64), channels=3, side=4, last=4, bias=False):
        super().__init__()
        layers = [nn.ConvTranspose2d(latents, widths[0], side, 1, 0, bias=bias), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for before, width in zip(widths, widths[1:]):
            layers += [nn.ConvTranspose2d(before, width, 4, 2, 1, bias=bias), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.ConvTranspose2d(widths[-1], channels, last, {4: 2, 5: 3}[last], 1, bias=bias), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        return self.main(x[:, :, None, None])


class FacesDiscriminator(nn.Module):
    """widths: of all layers but the last. first: the kernel of the first layer, and with 5 its stride is 3."""

    def __init__(self, widths=(64, 128, 256, 512), channels=3, side=4, first=4, normalized=False, bias=False):
        super().__init__()
        layers = [nn.Conv2d(channels, widths[0], first, {4: 2, 5: 3}[first], 1, bias=bias)]
        layers += [nn.BatchNorm2d(widths[0])] if normalized else []
        for before, width in zip(widths, widths[1:]):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(before, width, 4, 2, 1, bias=bias), nn.BatchNorm2d(width)]
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(widths[-1], 1, side, 1, 0, bias=bias), nn.Flatten()]
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        return self.main(x)


torch.manual_seed(0)

FULL = {
    "mnist": (mnist_generator, mnist_discriminator),
    "mnist-mlp": (mlp_generator, mlp_discriminator),
    "mnist56": (Mnist56Generator, mnist56_discriminator),
    "faces64": (FacesGenerator, FacesDiscriminator),
    "mri96": (lambda: FacesGenerator(last=5), lambda: FacesDiscriminator(first=5, normalized=True)),
}
# Each with the shape of what it takes: latents, or an image (H, W, C).
SMALL = {
    "mnist_generator": (mnist_generator(4, 6, 2, 3), (4,)),
    "mnist_discriminator": (mnist_discriminator(2, 3, 5), (28, 28, 1)),
    "mlp_generator": (mlp_generator(4, 5, 6, 8), (4,)),
    "mlp_discriminator": (mlp_discriminator(6, 5, 8), (8, 8, 1)),
    "mnist56_generator": (Mnist56Generator(3, 4, 2), (3,)),
    "mnist56_discriminator": (mnist56_discriminator(2, 2), (16, 16, 1)),
    "faces_generator": (FacesGenerator(5, (8, 4), bias=True), (5,)),
    "faces_discriminator": (FacesDiscriminator((4, 8), 1, bias=True), (16, 16, 1)),
    "mri_generator": (FacesGenerator(4, (6, 4), 1, side=3, last=5), (4,)),
    "mri_discriminator": (FacesDiscriminator((4, 6), 1, side=3, first=5, normalized=True), (18, 18, 1)),
}


def randomized(net: nn.Module, seed=0) -> nn.Module:
    """Every batch normalization gets numbers that differ from channel to channel."""
    draw = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (module.weight.data, module.running_var):
                values.copy_(torch.rand(values.shape, generator=draw) + 0.5)
            for values in (module.bias.data, module.running_mean):
                values.copy_(torch.randn(values.shape, generator=draw))
    return net.eval()


def inputs(shape, seed=0) -> np.ndarray:
    """Latents [2, latent_dim] or images [2, H, W, C], as Keras takes them."""
    return np.random.default_rng(seed).uniform(-1, 1, [2, *shape]).astype(np.float32)


def outputs(net: nn.Module, x: np.ndarray) -> np.ndarray:
    """What PyTorch gives for inputs of Keras, in Keras's order of axes."""
    with torch.no_grad():
        y = net(torch.from_numpy(x if x.ndim == 2 else x.transpose(0, 3, 1, 2).copy())).numpy()
    return y if y.ndim == 2 else y.transpose(0, 2, 3, 1)


def save_safetensors(state, path) -> None:
    """As the package safetensors writes it: sorted by the size of numbers, then by name."""
    header, content = {}, b""
    codes = {torch.float32: "F32", torch.int64: "I64", torch.bfloat16: "BF16"}
    for name, tensor in sorted(state.items(), key=lambda item: (-item[1].element_size(), item[0])):
        values = tensor.contiguous().view(torch.uint8 if tensor.ndim else tensor.dtype).numpy().tobytes()
        place = [len(content), len(content) + len(values)]
        header[name] = {"dtype": codes[tensor.dtype], "shape": list(tensor.shape), "data_offsets": place}
        content += values
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + content)


def main():
    nets = {name: randomized(net) for name, (net, _) in SMALL.items()}
    optimizer = torch.optim.Adam(nets["mri_discriminator"].parameters())
    nets["mri_discriminator"](torch.ones(1, 1, 18, 18)).sum().backward()
    optimizer.step()  # So that it has tensors of its own.
    expected = {}
    for name, net in nets.items():
        x = inputs(SMALL[name][1])
        expected |= {f"{name}_x": x, f"{name}_y": outputs(net, x)}
        if not name.startswith("mri"):
            torch.save(net.state_dict(), HERE / f"{name}.pth", _use_new_zipfile_serialization="mlp" not in name)
    np.savez_compressed(HERE / "expected.npz", **expected)
    save_safetensors(nets["faces_generator"].state_dict(), HERE / "faces_generator.safetensors")
    discriminator = nets["mri_discriminator"]
    checkpoint = {
        "netG": nn.DataParallel(nets["mri_generator"]).state_dict(),
        "netD": dict(discriminator.named_parameters()) | dict(discriminator.named_buffers()),
        "optimizerD": optimizer.state_dict(),
        "epoch": 3,
        "losses": [(0.5, 1.5), (0.25, np.float64(2.5))],
        "size": torch.Size([18, 18]),
        "device": torch.device("cpu"),
    }
    torch.save(checkpoint, HERE / "mri_checkpoint.pth")

    numbers = torch.tensor([[-1.5, 0.0, 2.0], [3.0, 4.0, 1.0]])
    types = (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    )  # fmt: skip
    tensors = {str(type_).removeprefix("torch."): numbers.to(type_) for type_ in types}
    tensors |= {
        "uint8": numbers.abs().to(torch.uint8),
        "bool": numbers.bool(),
        "turned": numbers.T,
        "rows": numbers[:, 1:],
    }
    tensors |= {"none": torch.zeros(0, 3), "scalar": torch.tensor(7)}
    for name, is_zip in (("types.pth", True), ("types_before_1_6.pth", False)):
        torch.save(tensors, HERE / name, _use_new_zipfile_serialization=is_zip)
        # The format before PyTorch 1.6 takes the source code of a module along, which has no business here.
        with (
            mock.patch("torch.serialization.get_source_lines_and_file", side_effect=OSError),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            torch.save(nn.Sequential(nn.Linear(1, 1)), HERE / f"whole_{name}", _use_new_zipfile_serialization=is_zip)


if __name__ == "__main__":
    main()
