"""`trikeye models export`: a checkpoint, or the network of a pack, as a pack or as files for another runtime, checked against it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models.packs import PackError
from models.pixels import BadPicture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="CHECKPOINT|PACK", help="a checkpoint of ultralytics, or a pack's name or folder"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    parser.add_argument("--name", required=True, help="the pack's name, as vehicles will say it")
    parser.add_argument(
        "--format", choices=("onnx", "ncnn", "openvino"), default="onnx",
        help="onnx makes a pack; the others make files for another runtime, no pack (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--size", metavar="WxH|aspect[:WxH]|wide[:WxH]",
        help="the network's input in pixels; aspect: the part of 640x640 that each picture's own aspect fills; wide: all of it, or 640x384 for pictures as wide as that (default: wide; for another runtime 640x384)",
    )  # fmt: skip
    parser.add_argument(
        "--precision", choices=("float", "int8"), default="float", help="of weights and layers (default: %(default)s)"
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="PICTURES",
        help="for int8: a folder, a film or a data.yaml (default: the street photographs, else the sample ride)",
    )  # fmt: skip
    parser.add_argument(
        "--built",
        type=Path,
        metavar="report.json",
        help="of the set it was trained on: policy, sets and fold go into the card",
    )
    parser.add_argument(
        "--card", type=Path, metavar="FILE.json", help="more for the card, such as trained_on and notes"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from models.training.dataset import BadSet

    try:
        differences = _export(args)
    except ModuleNotFoundError as missing:
        print(f"trikeye models export: the Python package '{missing.name}' is missing here: run it in .venv-training "
              "(make setup-training makes it)", file=sys.stderr)  # fmt: skip
        return 1
    except (OSError, ValueError, PackError, BadPicture, BadSet) as wrong:
        where = (
            ""
            if not isinstance(wrong, OSError) or wrong.filename
            else f" while writing {args.out}; see that its disk has room"
        )
        print(f"trikeye models export: {wrong}{where}", file=sys.stderr)
        return 1
    if args.json:
        about = {"out": str(args.out), "name": args.name, "format": args.format, "precision": args.precision}
        print(json.dumps(about | {"pack": args.format == "onnx"} | differences))
    else:
        print("\n".join(_told(args, differences)))
    return 0


def _export(args: argparse.Namespace) -> dict[str, float]:
    from models.training.export import Size, export

    size = Size.parse(args.size or ("wide" if args.format == "onnx" else "640x384"))
    if args.format != "onnx":
        from models.training.formats import export_for

        if args.precision != "float" or size.sizes != "fixed":
            raise ValueError(
                f"--format {args.format} knows no --precision int8 and no --size aspect or wide; leave them out"
            )
        return export_for(args.format, args.source, args.out, args.name, size)
    from models.training.examples import examples
    from models.training.quantise import PICTURES

    pictures = examples(args.calibration, PICTURES) if args.precision == "int8" else []
    return export(args.source, args.out, args.name, size, pictures, _card(args.built, args.card))


def _card(built: Path | None, more: Path | None) -> dict[str, Any]:
    """The licence policy a training set was built by, its sets with their terms and shares, the fold it leaves out; and more."""
    report = json.loads(built.read_text(encoding="utf-8")) if built else {}
    known = {"licence_policy": report.get("policy"), "sets": report.get("sets"), "fold": report.get("fold")}
    card = json.loads(more.read_text(encoding="utf-8")) if more else {}
    return card | {key: value for key, value in known.items() if value is not None}


def _told(args: argparse.Namespace, differences: dict[str, float]) -> list[str]:
    if "agreement" in differences:
        first = f"{args.out}: int8; of what the network is sure of it keeps {differences['agreement']:.0%}"
    else:
        first = f"{args.out}: off its network by {differences['score']:.2g} in score, {differences['box_px']:.2g} px"
    if args.format != "onnx":
        return [
            first,
            f"Files for {args.format}, not a pack: trikeye runs packs with ONNX Runtime and does not read these.",
        ]
    return [
        first,
        f"Now measure it (docs/learning.md): trikeye models evaluate {args.out}; one that redacts: python benchmarks/redaction.py --pack {args.out}",
    ]
