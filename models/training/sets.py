"""What each set of street photographs annotates. Everything else in its pictures is unlabelled, not absent."""

from __future__ import annotations

from models.training.classes import CLASSES, CONTEXT_FROM_COCO, NAMES

PROBLEMS = frozenset(each.name for each in CLASSES if each.role == "problem")
CONTEXT = frozenset(CONTEXT_FROM_COCO.values())
ANNOTATED: dict[str, frozenset[str]] = {
    "sdaia": frozenset({"garbage", "graffiti", "bad_billboard", "roadwork", "pothole", "sand_on_road", "facade_unkept",
                        "sign_damaged"}),
    "sdaiacrop": frozenset({"garbage", "rubble"}),
    "malta": frozenset({"garbage_bag", "dumped_bulky"}),
    "montevideo": frozenset({"bin_overflow", "bin_ok", "garbage"}),
    "amsterdam": frozenset({"bin_ok", "bin_overflow", "garbage", "garbage_bag", "dumped_bulky", "rubble"}),
    "aquatrash": frozenset({"garbage"}),
    "rddcm": frozenset({"crack", "pothole", "road_patch", "manhole_ok"}),
    "chitholian": frozenset({"pothole"}),
    "civiclens": frozenset({"footpath_damaged", "manhole_bad", "streetlight_broken", "water_on_road"}),
    "tracon": frozenset({"cone"}),
    "roadsign": frozenset({"sign_ok"}),
    "athens": frozenset({"graffiti"}),
    "spb": frozenset({"shop_sign", "window_ad"}),
    "clean": PROBLEMS,
}  # fmt: skip
MEASURE_ONLY = frozenset({"clean"})
"""Sets whose pictures may be measured on and never trained on."""


def set_of(stem: str) -> str:
    """The set a picture's file name says it is from; "" for a drawn frame."""
    name = stem.split("__", 1)[0]
    return name if name in ANNOTATED else ""


def annotated(stem: str) -> frozenset[str]:
    """Classes that were boxed in this picture by a person, or by the program that drew it."""
    name = set_of(stem)
    return ANNOTATED[name] if name else frozenset(NAMES)


def trained(stem: str) -> frozenset[str]:
    """Classes whose absence the training set vouches for: those annotated, and those the teacher labels everywhere."""
    return annotated(stem) | CONTEXT
