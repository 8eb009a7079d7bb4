"""Makes small pictures and what Pillow decodes them to: `python make.py`, in this folder.

Writes cats/a.png (RGB), cats/b.jpg (RGB), dogs/c.png (grey), dogs/d.png (with transparency), dogs/e.jpeg (grey), broken/*, and
pixels.json: for every picture its size and its bytes as colours. Versions and seed are recorded there.
"""
import json, os, random
import PIL
from PIL import Image

SEED = 5
random.seed(SEED)
for folder in ["cats", "dogs", "broken"]:
    os.makedirs(folder, exist_ok=True)


def smooth(width, height, bands, slope):
    data = bytes(
        int(255 * (0.5 + 0.5 * ((x * slope + y + 11 * band) % 40 - 20) / 20)) for y in range(height) for x in range(width)
        for band in range(bands))
    return Image.frombytes({1: "L", 3: "RGB", 4: "RGBA"}[bands], (width, height), data)


noise = Image.frombytes("RGB", (7, 5), bytes(random.randrange(256) for _ in range(105)))
noise.save("cats/a.png")
smooth(17, 9, 3, 1).save("cats/b.jpg", quality=90)
smooth(6, 4, 1, 3).save("dogs/c.png")
smooth(5, 3, 4, 2).save("dogs/d.png")
smooth(8, 8, 1, 1).save("dogs/e.jpeg", quality=95)
for source, target in [("cats/a.png", "cut.png"), ("cats/b.jpg", "cut.jpg")]:
    data = open(source, "rb").read()
    open("broken/" + target, "wb").write(data[: len(data) // 2])
open("broken/text.png", "w").write("no picture")

pictures = {}
for name in ["cats/a.png", "cats/b.jpg", "dogs/c.png", "dogs/e.jpeg"]:
    image = Image.open(name).convert("RGB")
    pictures[name] = {"width": image.width, "height": image.height, "pixels": list(image.tobytes())}
json.dump(
    {"versions": {"pillow": PIL.__version__}, "seed": SEED, "pictures": pictures}, open("pixels.json", "w"),
    separators=(",", ":"))
