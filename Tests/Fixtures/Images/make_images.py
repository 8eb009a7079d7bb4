"""Writes small pictures and what Transformers' ViTImageProcessorPil makes of them.

    python make_images.py

Needs Pillow. `expected.safetensors` holds for every case NAME

    NAME.image      [height, width, channels] bytes
    NAME.pixels     [channels, height, width] what the processor gives
    NAME.torch      [channels, height, width] bytes that PyTorch resizes to, with anti-aliasing, as the processor with torchvision does;
                    for the usual filter, bilinear, only: others overshoot, and what is cut off depends on the order of the axes

and the folder NAME the `preprocessor_config.json` that Transformers saved. `versions.json` says with what the files were made.
"""

import json
import pathlib
import shutil

import numpy
import PIL
import torch
import transformers
from safetensors.torch import save_file
from transformers import ViTImageProcessorPil

HERE = pathlib.Path(__file__).parent
SEED = 4
# name: height, width, channels, what the processor gets
CASES = {
    "smaller": (37, 53, 3, dict(size={"height": 12, "width": 16})),
    "larger": (5, 7, 3, dict(size={"height": 16, "width": 16})),
    "same": (9, 9, 3, dict(size={"height": 9, "width": 9}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])),
    "one-side": (9, 20, 3, dict(size={"height": 9, "width": 7})),
    "one-pixel": (1, 1, 3, dict(size={"height": 3, "width": 2})),
    "grey": (28, 28, 1, dict(size={"height": 16, "width": 16}, image_mean=[0.1307], image_std=[0.3081])),
    "plain": (6, 8, 3, dict(do_resize=False, do_normalize=False)),
    "bytes": (6, 8, 3, dict(size={"height": 4, "width": 4}, do_rescale=False)),
    "nearest": (23, 31, 3, dict(size={"height": 10, "width": 40}, resample=0)),
    "lanczos": (23, 31, 3, dict(size={"height": 10, "width": 40}, resample=1)),
    "bicubic": (23, 31, 3, dict(size={"height": 10, "width": 40}, resample=3)),
    "box": (23, 31, 3, dict(size={"height": 10, "width": 40}, resample=4)),
    # Pillow goes along the columns first where they lose more than twice as much as the rows.
    "columns-first": (39, 20, 3, dict(size={"height": 10, "width": 6}, resample=3)),
    "rows-first": (36, 22, 3, dict(size={"height": 16, "width": 12}, resample=3)),
    "hamming": (23, 31, 3, dict(size={"height": 10, "width": 40}, resample=5)),
}


def picture(height, width, channels, generator):
    """Smooth shades with noise, and black and white beside each other, so that filters overshoot."""
    down, across = numpy.mgrid[0:height, 0:width]
    shades = [(down * (3 + c) + across * (5 - c)) * 255 // max(1, 8 * (height + width)) for c in range(channels)]
    noise = generator.integers(-40, 40, (height, width, channels))
    image = numpy.clip(numpy.stack(shades, -1) + noise, 0, 255)
    image[height // 3 : height // 2, width // 4 : width // 2] = 255
    image[height // 2 :, : width // 4] = 0
    return image.astype(numpy.uint8)


def main():
    generator = numpy.random.default_rng(SEED)
    tensors = {}
    for name, (height, width, channels, settings) in CASES.items():
        image = picture(height, width, channels, generator)
        processor = ViTImageProcessorPil(**{"image_mean": [0.5] * channels, "image_std": [0.5] * channels} | settings)
        pixels = processor(image, return_tensors="pt", input_data_format="channels_last").pixel_values[0]
        tensors[f"{name}.image"] = torch.from_numpy(image)
        tensors[f"{name}.pixels"] = pixels.float().contiguous()
        if settings.get("resample", 2) == 2 and "size" in settings:
            tensors[f"{name}.torch"] = torch.nn.functional.interpolate(
                torch.from_numpy(image).permute(2, 0, 1)[None], size=list(settings["size"].values()), antialias=True,
                mode="bilinear",
            )[0].contiguous()
        shutil.rmtree(HERE / name, ignore_errors=True)
        processor.save_pretrained(HERE / name)
    save_file(tensors, HERE / "expected.safetensors")
    versions = {"seed": SEED, "pillow": PIL.__version__, "torch": torch.__version__, "transformers": transformers.__version__}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
