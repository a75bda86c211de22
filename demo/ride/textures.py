"""Procedural textures, one layer each of an RGBA array of SIZE x SIZE. Everything comes from the seed; nothing is loaded but a font."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIZE = 512
FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
)
Layer = npt.NDArray[np.uint8]
Rng = np.random.Generator
Rgb = tuple[int, int, int]
SHOPS = [
    "晋味面馆",
    "汾河超市",
    "小杨理发",
    "迎泽五金",
    "老李烟酒",
    "桃园药房",
    "双塔水果",
    "柳巷服装",
    "并州眼镜",
    "晋源文具",
    "杏花小吃",
    "好又多",
    "天天鲜蔬",
    "平价粮油",
    "手机维修",
    "幸福蛋糕",
    "晨光文印",
    "大众浴池",
]
ADS = ["办证", "开锁", "疏通", "刻章", "搬家", "贷款", "回收", "招工", "租房", "水钻"]


class Textures:
    """Layers by name. `names` may be asked for a kind with several variants: `pick("brick", rng)`."""

    def __init__(self, seed: int) -> None:
        self.names: list[str] = []
        self.layers: list[Layer] = []
        rng = np.random.default_rng([seed, 77])
        for name, (make, variants) in RECIPES.items():
            for number in range(variants):
                self.names.append(f"{name}.{number}")
                self.layers.append(make(rng))

    def pick(self, name: str, rng: Rng) -> int:
        """A layer number of one of the variants of `name`."""
        own = [i for i, each in enumerate(self.names) if each.rsplit(".", 1)[0] == name]
        return own[int(rng.integers(len(own)))]

    def opaque(self, layer: int) -> tuple[float, float, float, float]:
        """The part of a layer that is drawn at all: u0, v0, u1, v1 as shares of its width and height."""
        rows, columns = (np.flatnonzero((self.layers[layer][..., 3] >= 128).any(axis)) for axis in (1, 0))
        return columns[0] / SIZE, rows[0] / SIZE, (columns[-1] + 1) / SIZE, (rows[-1] + 1) / SIZE

    def array(self) -> Layer:
        """All layers, uint8 [layers, SIZE, SIZE, 4]."""
        return np.stack(self.layers)


def noise(rng: Rng, cells: int, octaves: int = 4, fall: float = 0.55) -> npt.NDArray[np.float32]:
    """Smooth tileable-enough noise 0..1, SIZE x SIZE."""
    total, weight, norm = np.zeros((SIZE, SIZE), np.float32), 1.0, 0.0
    for octave in range(octaves):
        n = min(cells * 2**octave, SIZE)
        small = rng.random((n, n), dtype=np.float32)
        total += weight * cv2.resize(
            np.pad(small, ((0, 1), (0, 1)), mode="wrap"), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
        )
        norm += weight
        weight *= fall
    return np.asarray(np.clip(total / norm, 0, 1), np.float32)


def solid(
    colour: npt.NDArray[np.float32] | Rgb,
    value: npt.NDArray[np.generic] | float = 1.0,
    alpha: npt.NDArray[np.generic] | float = 1.0,
) -> Layer:
    """RGB times a value field, with alpha 0..1."""
    out = np.empty((SIZE, SIZE, 4), np.uint8)
    field = np.broadcast_to(np.asarray(value).astype(np.float32), (SIZE, SIZE))
    out[..., :3] = np.clip(np.asarray(colour, np.float32) * field[..., None], 0, 255)
    out[..., 3] = np.clip(np.broadcast_to(np.asarray(alpha).astype(np.float32), (SIZE, SIZE)) * 255, 0, 255)
    return out


def blob(rng: Rng, rough: float = 0.35, aspect: float = 1.0, cells: int = 4) -> npt.NDArray[np.float32]:
    """A ragged patch: > 0 inside, about -1..1."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    return np.asarray(0.72 - np.hypot(x, y * aspect) + rough * 2 * (noise(rng, cells, 5) - 0.5), np.float32)


def text(image: Layer, words: str, box: tuple[int, int, int, int], colour: Rgb, turn: float = 0.0) -> None:
    """Write words as large as the box allows, over the layer, alpha included."""
    path = next((p for p in FONTS if p.exists()), None)
    width, height = box[2] - box[0], box[3] - box[1]
    size = int(min(height * 0.9, 1.0 * width / max(len(words), 1)))
    font = (
        ImageFont.truetype(str(path), size, index=2 if path.suffix == ".ttc" else 0)
        if path
        else ImageFont.load_default(size)
    )
    sheet = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(sheet).text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), words, font=font, fill=255, anchor="mm")
    mask = np.asarray(sheet.rotate(turn, resample=Image.Resampling.BILINEAR), np.float32)[..., None] / 255
    image[..., :3] = image[..., :3] * (1 - mask) + np.asarray(colour) * mask
    image[..., 3:] = np.maximum(image[..., 3:], (mask * 255).astype(np.uint8))


def asphalt(rng: Rng) -> Layer:
    return solid(
        (122, 120, 117), 0.72 + 0.35 * noise(rng, 4, 3) + 0.22 * (rng.random((SIZE, SIZE), dtype=np.float32) - 0.5)
    )


def paving(rng: Rng) -> Layer:
    value = 0.8 + 0.25 * noise(rng, 6)
    step = SIZE // int(rng.choice([4, 8]))
    for i in range(0, SIZE, step):
        for j in range(0, SIZE, step):
            value[i : i + step, j : j + step] *= rng.uniform(0.88, 1.08)
    value[::step] *= 0.6
    value[:, ::step] *= 0.6
    value[1::step] *= 0.7
    return solid(((158, 148, 138), (150, 150, 150), (165, 140, 128))[int(rng.integers(3))], value)


def concrete(rng: Rng) -> Layer:
    return solid((168, 166, 160), 0.75 + 0.35 * noise(rng, 5, 5))


def brick(rng: Rng) -> Layer:
    base = np.array(((150, 84, 66), (172, 150, 122), (128, 120, 112))[int(rng.integers(3))], np.float32)
    out = np.full((SIZE, SIZE, 3), 150, np.float32) * (0.8 + 0.2 * noise(rng, 8))[..., None]
    for row in range(16):
        for column in range(-1, 8):
            x = column * 64 + (row % 2) * 32
            x0, x1 = max(x + 2, 0), min(x + 62, SIZE)
            if x1 > x0:
                out[row * 32 + 2 : row * 32 + 30, x0:x1] = base * rng.uniform(0.75, 1.15)
    return solid(out, 0.85 + 0.3 * (noise(rng, 16) - 0.3))


def plaster(rng: Rng) -> Layer:
    colour = ((205, 196, 178), (188, 182, 172), (214, 205, 196), (186, 170, 150))[int(rng.integers(4))]
    return solid(colour, 0.82 + 0.2 * noise(rng, 3, 5))


def window(rng: Rng) -> Layer:
    image = solid((198, 190, 176), 0.85 + 0.15 * noise(rng, 4))
    image[70:430, 110:400, :3] = (150, 152, 155)
    glass = np.linspace(0.5, 1.0, 340)[:, None] * np.array((70, 88, 104))[None]
    image[80:420, 122:388, :3] = glass[:, None, :] * rng.uniform(0.6, 1.2)
    image[80:420, 250:260, :3] = 165
    image[190:198, 122:388, :3] = 165
    if rng.random() < 0.5:
        image[80:420, 122:250, :3] = (np.array((170, 160, 150)) * rng.uniform(0.6, 1)).astype(np.uint8)
    return image


def shopfront(rng: Rng) -> Layer:
    image = solid((82, 86, 92), 0.5 + 0.6 * noise(rng, 6))
    for x in range(0, SIZE, 170):
        image[:, x : x + 10, :3] = 120
    for _ in range(26):
        x, y = int(rng.integers(20, 480)), int(rng.integers(180, 470))
        cv2.rectangle(image, (int(x), int(y)), (int(x + rng.integers(14, 60)), int(y + rng.integers(14, 50))),
                      (*map(int, rng.integers(60, 190, 3)), 255), -1)  # fmt: skip
    image[470:, :, :3] = 70
    return image


def shutter(rng: Rng) -> Layer:
    y = np.arange(SIZE)[:, None] % 26
    return solid(
        ((150, 152, 156), (110, 128, 150), (160, 150, 140))[int(rng.integers(3))],
        np.where(y < 4, 0.65, 0.95) * (0.9 + 0.15 * noise(rng, 4)),
    )


def shop_sign(rng: Rng) -> Layer:
    back = ((176, 30, 30), (24, 70, 140), (20, 110, 70), (230, 225, 215), (200, 140, 20), (60, 30, 80))[
        int(rng.integers(6))
    ]
    image = solid(back, 0.95 + 0.1 * noise(rng, 3))
    cv2.rectangle(image, (6, 6), (505, 505), (235, 235, 230, 255), 6)
    text(
        image,
        SHOPS[int(rng.integers(len(SHOPS)))],
        (30, 120, 482, 400),
        (250, 246, 230) if sum(back) < 550 else (170, 20, 20),
    )
    return image


def plate(rng: Rng) -> Layer:
    image = solid((22, 62, 150))
    cv2.rectangle(image, (12, 12), (499, 499), (240, 240, 240, 255), 10)
    text(
        image,
        "晋" + "".join(rng.choice(list("ABCDEFGHJKLMNPQ"), 1)) + "0" + "".join(map(str, rng.integers(0, 10, 4))),
        (20, 130, 492, 380),
        (245, 245, 245),
    )
    return image


def cloth(rng: Rng) -> Layer:
    return solid((255, 255, 255), 0.7 + 0.3 * noise(rng, 5, 5))


def face(rng: Rng) -> Layer:
    skin = np.array((214, 172, 142), np.float32) * rng.uniform(0.8, 1.05)
    image = solid(skin, 0.92 + 0.1 * noise(rng, 4))
    image[:150, :, :3] = (30, 26, 24)
    image[:, 330:, :3] = (34, 29, 27)
    for x in (92, 190):  # the face looks out of the middle of the first half of u
        cv2.ellipse(image, (x, 232), (26, 11), 0, 0, 360, (240, 236, 230, 255), -1)
        cv2.circle(image, (x, 232), 11, (30, 20, 18, 255), -1)
        cv2.line(image, (x - 32, 204), (x + 32, 200), (40, 30, 26, 255), 9)
    cv2.line(image, (141, 240), (134, 296), (160, 118, 96, 255), 9)
    cv2.ellipse(image, (141, 348), (40, 13), 0, 0, 360, (158, 80, 74, 255), -1)
    return image


def leaves(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    for _ in range(520):
        x, y = rng.normal(256, 105, 2).astype(int)
        green = np.array((74, 98, 44)) * rng.uniform(0.55, 1.25)
        cv2.ellipse(
            image,
            (int(x), int(y)),
            (int(rng.integers(8, 20)), int(rng.integers(4, 9))),
            float(rng.uniform(0, 180)),
            0,
            360,
            (*map(int, green), 255),
            -1,
        )
    return image


def bark(rng: Rng) -> Layer:
    return solid((104, 88, 72), 0.6 + 0.5 * cv2.resize(noise(rng, 16, 3), (SIZE, SIZE))[:, ::-1])


def metal(rng: Rng) -> Layer:
    return solid((255, 255, 255), 0.85 + 0.15 * noise(rng, 4))


def plastic_bag(rng: Rng) -> Layer:
    folds = np.abs(np.sin(8 * noise(rng, 3, 3) * np.pi))
    return solid((255, 255, 255), 0.55 + 0.45 * folds)


def litter(rng: Rng) -> Layer:
    """Crumpled papers, cups and peels lying about: alpha cut."""
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    colours = (
        (236, 234, 228),
        (214, 60, 50),
        (60, 110, 190),
        (240, 200, 70),
        (150, 112, 74),
        (90, 150, 90),
        (250, 250, 250),
        (40, 40, 44),
    )
    for _ in range(85):
        centre = rng.normal(256, 95, 2)
        corners = centre + rng.normal(0, rng.uniform(9, 26), (int(rng.integers(4, 7)), 2))
        hull = cv2.convexHull(corners.astype(np.int32))
        cv2.fillPoly(
            image, [hull], (*(int(c * rng.uniform(0.7, 1)) for c in colours[int(rng.integers(len(colours)))]), 255)
        )
    return image


def rubble(rng: Rng) -> Layer:
    image = solid((142, 126, 108), 0.6 + 0.5 * noise(rng, 6, 5))
    for _ in range(420):
        corners = rng.uniform(0, SIZE, 2) + rng.normal(0, rng.uniform(6, 20), (5, 2))
        grey = rng.uniform(90, 215)
        tone = (grey, grey * rng.uniform(0.85, 1), grey * rng.uniform(0.75, 1)) if rng.random() < 0.7 else (168, 84, 62)
        cv2.fillPoly(image, [cv2.convexHull(corners.astype(np.int32))], (*map(int, tone), 255))
    return image


def pothole(rng: Rng) -> Layer:
    edge = blob(rng, 0.3)
    depth = np.clip(edge * 3.2, 0, 1)
    value = 1.05 - 0.75 * depth + 0.35 * (rng.random((SIZE, SIZE), dtype=np.float32) - 0.5) * depth
    rim = np.exp(-((edge - 0.02) ** 2) / 0.004)
    return solid((88, 82, 74), value + 0.5 * rim, edge > -0.04)


def crack(rng: Rng) -> Layer:
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(9):
        point, heading = rng.uniform(60, 450, 2), rng.uniform(0, 2 * np.pi)
        for _ in range(26):
            heading += rng.normal(0, 0.5)
            end = point + 22 * np.array((np.cos(heading), np.sin(heading)))
            cv2.line(alpha, tuple(map(int, point)), tuple(map(int, end)), 255, int(rng.integers(7, 13)))
            point = np.clip(end, 20, 490)
    return solid((26, 25, 24), 1.0, alpha / 255.0)


def patch(rng: Rng) -> Layer:
    inside = np.zeros((SIZE, SIZE), np.float32)
    inside[40:470, 40:470] = 1
    return solid((76, 76, 77), 0.8 + 0.3 * noise(rng, 12), inside)


def broken_paving(rng: Rng) -> Layer:
    image = paving(rng)
    cv2.rectangle(image, (0, 0), (SIZE, SIZE), (0, 0, 0, 0), -1)
    image[blob(rng, 0.3) > -0.1] = (112, 92, 70, 255)
    for _ in range(16):
        corners = rng.normal(256, 110, 2) + rng.normal(0, 44, (4, 2))
        tone = rng.uniform(120, 200)
        hull = cv2.convexHull(corners.astype(np.int32))
        cv2.fillPoly(image, [hull], (int(tone), int(tone * 0.95), int(tone * 0.88), 255))
        cv2.polylines(image, [hull], True, (40, 34, 30, 255), 7)
    return image


def manhole(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    cv2.circle(image, (256, 256), 250, (120, 118, 114, 255), -1)
    cv2.circle(image, (256, 256), 222, (66, 64, 62, 255), -1)
    for i in range(60, 460, 44):
        for j in range(60, 460, 44):
            if np.hypot(i - 256, j - 256) < 190:
                cv2.rectangle(image, (j - 12, i - 6), (j + 12, i + 6), (96, 93, 88, 255), -1)
    cv2.circle(image, (256, 256), 205, (88, 86, 82, 255), 5)
    return image


def open_manhole(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    cv2.circle(image, (256, 256), 250, (150, 146, 138, 255), -1)
    cv2.circle(image, (256, 256), 212, (8, 8, 9, 255), -1)
    if rng.random() < 0.6:
        half = np.asarray(
            cv2.ellipse2Poly((256, 256), (210, 210), int(rng.integers(0, 360)), 0, int(rng.integers(110, 190)), 4)
        )
        cv2.fillPoly(image, [half], (104, 100, 94, 255))
        cv2.polylines(image, [half], True, (180, 90, 50, 255), 9)
    return image


def puddle(rng: Rng) -> Layer:
    edge = blob(rng, 0.28, 1.1, 3)
    sky = np.linspace(1.0, 0.55, SIZE)[:, None] * np.ones((1, SIZE), np.float32)
    wet = np.clip(edge * 9, 0, 1)
    return solid(
        np.array((148, 170, 188), np.float32)[None, None] * wet[..., None] + 42 * (1 - wet[..., None]),
        sky * (0.85 + 0.3 * noise(rng, 3, 2)),
        edge > -0.06,
    )


def sand(rng: Rng) -> Layer:
    edge = blob(rng, 0.42, 1.0, 5)
    grain = rng.random((SIZE, SIZE), dtype=np.float32)
    return solid((206, 166, 106), 0.75 + 0.2 * grain + 0.2 * noise(rng, 7), edge + 0.25 * (grain - 0.5) > 0)


def graffiti(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    colours: tuple[Rgb, ...] = ((200, 24, 28), (16, 20, 26), (30, 70, 190), (20, 120, 60), (190, 40, 140))
    for line in range(2):
        tone = colours[int(rng.integers(len(colours)))]
        words = ADS[int(rng.integers(len(ADS)))] if line == 0 else "0" + "".join(map(str, rng.integers(0, 10, 6)))
        text(image, words, (20, 50 + 200 * line, 492, 260 + 200 * line), tone, float(rng.uniform(-9, 9)))
    tone = colours[int(rng.integers(len(colours)))]
    for _ in range(int(rng.integers(1, 4))):
        points = np.cumsum(rng.normal(0, 55, (9, 2)), 0) + rng.uniform(120, 400, 2)
        cv2.polylines(image, [points.astype(np.int32)], False, (*tone, 255), int(rng.integers(9, 20)), cv2.LINE_AA)
    return image


def stickers(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    for row in range(3):
        for column in range(3):
            if rng.random() < 0.85:
                x, y = column * 165 + int(rng.integers(0, 30)), row * 165 + int(rng.integers(0, 30))
                paper = ((245, 240, 225), (250, 220, 80), (250, 250, 250), (240, 150, 150))[int(rng.integers(4))]
                cv2.rectangle(image, (x, y), (x + 130, y + 125), (*paper, 255), -1)
                text(image, ADS[int(rng.integers(len(ADS)))], (x, y, x + 130, y + 80), (190, 20, 20))
                cv2.line(image, (x + 12, y + 100), (x + 118, y + 100), (20, 20, 30, 255), 12)
    return image


def billboard(rng: Rng) -> Layer:
    image = solid(((40, 110, 180), (220, 120, 40), (240, 235, 225))[int(rng.integers(3))], 0.9 + 0.15 * noise(rng, 2))
    text(image, SHOPS[int(rng.integers(len(SHOPS)))], (20, 60, 492, 260), (250, 250, 245))
    cv2.rectangle(image, (60, 300), (300, 470), (*map(int, rng.integers(80, 240, 3)), 255), -1)
    return image


def torn_billboard(rng: Rng) -> Layer:
    image = billboard(rng)
    image[..., :3] = image[..., :3] * 0.4 + np.array((206, 204, 194)) * 0.6
    for _ in range(6):
        corners = rng.uniform(0, SIZE, 2) + rng.normal(0, 85, (7, 2))
        cv2.fillPoly(
            image,
            [cv2.convexHull(corners.astype(np.int32))],
            (*((112, 104, 96), (226, 222, 212), (84, 80, 76))[int(rng.integers(3))], 255),
        )
    for _ in range(9):
        x = int(rng.integers(0, SIZE))
        cv2.line(
            image,
            (x, int(rng.integers(0, 200))),
            (x + int(rng.integers(-30, 30)), int(rng.integers(300, 512))),
            (128, 84, 52, 255),
            int(rng.integers(4, 14)),
        )
    corner = (
        np.array([(0, 0), (int(rng.integers(100, 260)), 0), (0, int(rng.integers(100, 260)))])
        if rng.random() < 0.5
        else np.array([(511, 511), (511 - int(rng.integers(100, 260)), 511), (511, 511 - int(rng.integers(100, 260)))])
    )
    cv2.fillPoly(image, [corner], (0, 0, 0, 0))
    return image


def stain(rng: Rng) -> Layer:
    """A façade patch that peels and weeps: brick shows, dark runs go down."""
    edge = blob(rng, 0.4, 1.0, 4)
    image = solid((112, 96, 82), 0.55 + 0.6 * noise(rng, 8, 5), edge > -0.12)
    inner = edge > 0.16
    image[inner] = brick(rng)[inner] * np.array((0.75, 0.75, 0.75, 1))
    runs = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(26):
        x, y = int(rng.integers(70, 440)), int(rng.integers(120, 330))
        cv2.line(
            runs, (x, y), (x + int(rng.integers(-8, 8)), y + int(rng.integers(80, 190))), 255, int(rng.integers(5, 16))
        )
    image[(runs > 0) & (image[..., 3] > 0)] = (48, 42, 38, 255)
    image[(runs > 0) & (image[..., 3] == 0)] = (74, 66, 58, 255)
    return image


def _round_sign(rng: Rng) -> Layer:
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    kind = int(rng.integers(3))
    if kind == 0:
        cv2.circle(image, (256, 256), 250, (200, 22, 28, 255), -1)
        cv2.circle(image, (256, 256), 196, (246, 246, 244, 255), -1)
        text(image, str(rng.choice(["30", "40", "5"])), (110, 130, 402, 382), (20, 20, 22))
    elif kind == 1:
        cv2.circle(image, (256, 256), 250, (24, 70, 160, 255), -1)
        cv2.arrowedLine(image, (256, 420), (256, 110), (246, 246, 246, 255), 50, tipLength=0.4)
    else:
        cv2.fillPoly(image, [np.array([(256, 10), (505, 470), (7, 470)])], (240, 200, 30, 255))
        cv2.polylines(image, [np.array([(256, 40), (470, 450), (42, 450)])], True, (20, 20, 20, 255), 22)
        text(image, "慢", (150, 200, 362, 440), (20, 20, 20))
    return image


def road_sign(rng: Rng) -> Layer:
    return _round_sign(rng)


def bad_road_sign(rng: Rng) -> Layer:
    image = _round_sign(rng)
    inside = image[..., 3] > 0
    image[..., :3] = image[..., :3] * 0.35 + np.array((188, 182, 172)) * 0.65
    rust = (noise(rng, 6, 5) > 0.56) & inside
    image[rust] = (124, 70, 38, 255)
    for _ in range(3):
        x = rng.integers(100, 400, 4)
        cv2.line(image, (int(x[0]), int(x[1])), (int(x[2]), int(x[3])), (60, 54, 50, 255), 14)
    image[~inside] = 0
    return image


def grass(rng: Rng) -> Layer:
    return solid((86, 102, 58), 0.55 + 0.6 * noise(rng, 24, 4))


def marking(rng: Rng) -> Layer:
    return solid((222, 222, 216), 0.9 + 0.1 * noise(rng, 6), noise(rng, 10, 4) < 0.66)


def bin_side(rng: Rng) -> Layer:
    image = solid((255, 255, 255), 0.85 + 0.15 * noise(rng, 4))
    for x in range(0, SIZE, 64):
        image[:, x : x + 10, :3] = (image[:, x : x + 10, :3] * 0.75).astype(np.uint8)
    text(image, "其他垃圾", (90, 200, 422, 320), (250, 250, 250))
    return image


def wood(rng: Rng) -> Layer:
    y = noise(rng, 3, 2) * 9
    return solid((150, 108, 66), 0.75 + 0.25 * np.abs(np.sin(np.arange(SIZE)[None] / 14 + y * 3)))


def mattress(rng: Rng) -> Layer:
    image = solid((214, 206, 190), 0.8 + 0.25 * noise(rng, 4))
    for x in range(0, SIZE, 64):
        image[:, x : x + 4, :3] = (168, 158, 140)
        image[x : x + 4, :, :3] = (168, 158, 140)
    image[noise(rng, 4, 4) > 0.62, :3] = (150, 124, 84)
    return image


RECIPES: dict[str, tuple[Callable[[Rng], Layer], int]] = {
    "asphalt": (asphalt, 2), "paving": (paving, 2), "concrete": (concrete, 2), "brick": (brick, 3), "plaster": (plaster, 4), "window": (window, 5),
    "shopfront": (shopfront, 4), "shutter": (shutter, 3), "shop_sign": (shop_sign, 10), "plate": (plate, 6), "cloth": (cloth, 2), "face": (face, 4),
    "leaves": (leaves, 2), "bark": (bark, 1), "metal": (metal, 1), "plastic_bag": (plastic_bag, 3), "litter": (litter, 4), "rubble": (rubble, 3),
    "pothole": (pothole, 4), "crack": (crack, 3), "patch": (patch, 1), "broken_paving": (broken_paving, 3), "manhole": (manhole, 1), "open_manhole": (open_manhole, 4),
    "puddle": (puddle, 4), "sand": (sand, 4), "graffiti": (graffiti, 6), "stickers": (stickers, 3), "billboard": (billboard, 2), "torn_billboard": (torn_billboard, 5),
    "stain": (stain, 4), "road_sign": (road_sign, 4), "bad_road_sign": (bad_road_sign, 5), "grass": (grass, 1), "marking": (marking, 1), "bin_side": (bin_side, 1),
    "wood": (wood, 2), "mattress": (mattress, 2),
}  # fmt: skip
