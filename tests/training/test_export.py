"""Packs made of checkpoints, and checkpoints of packs."""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.packs import MalformedPack, WrongDigest, load_pack
from models.pixels import Image
from models.runtime import Detector
from models.training import export as exporting
from models.training.classes import CLASSES, NAMES
from models.training.command import starting_point
from models.training.examples import SAMPLE_RIDE, examples
from models.training.export import REDACTION, Size, export, run_onnx
from models.training.packfile import read_pack, write_pack
from models.training.redaction_set import NAMES as REDACTED
from models.training.unpack import restored, save, unpack

ROOT = Path(__file__).resolve().parents[2]
SMALL = Size(160, 96)


@pytest.fixture(scope="module")
def looks() -> list[Image]:
    """Frames of the sample ride."""
    return examples(SAMPLE_RIDE, 4)


@pytest.fixture(scope="module")
def unpacked(looks: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint made of the shipped pack with the statistics of a few frames of the sample ride."""
    torch.set_num_threads(1)
    return unpack(load_pack("street"), looks, tmp_path_factory.mktemp("unpacked") / "street.pt")


@pytest.fixture(scope="module")
def aspect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped pack with free sides."""
    out = tmp_path_factory.mktemp("aspect") / "pack"
    export("street", out, "aspect-1", Size.parse("aspect"))
    return out


@pytest.fixture(scope="module")
def fixed_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network for 640x384 alone."""
    out = tmp_path_factory.mktemp("fixed") / "pack"
    export("street", out, "fixed-1", Size())
    return out


def network_of(checkpoint: Path) -> torch.nn.Module:
    from ultralytics import YOLO

    network: torch.nn.Module = YOLO(str(checkpoint)).model.float()
    return network


def blocks(shape: tuple[int, int], count: int = 1) -> torch.Tensor:
    """Pictures of coarse random blocks: something with edges, unlike noise."""
    coarse = torch.rand((count, 3, shape[0] // 32, shape[1] // 32), generator=torch.Generator().manual_seed(shape[0]))
    return coarse.repeat_interleave(32, 2).repeat_interleave(32, 3)


def test_the_checkpoint_of_a_pack_says_what_the_pack_says(unpacked: Path) -> None:
    """With its batch normalisations and with them merged again, by either of its branches."""
    network, session = network_of(unpacked).eval(), onnxruntime.InferenceSession(str(load_pack("street").model))
    picture = blocks((384, 640))
    (expected,) = session.run(None, {"images": picture.numpy()})
    with torch.inference_mode():
        got, raw = network(picture)
        fused = network_of(unpacked).fuse(verbose=False).eval()(picture)[0]
    for each in (got, fused):
        np.testing.assert_allclose(each[:, 4:], expected[:, 4:], atol=1e-3)
        np.testing.assert_allclose(each[:, :4], expected[:, :4], atol=0.1)
    for kind in ("boxes", "scores"):
        torch.testing.assert_close(raw["one2one"][kind], raw["one2many"][kind])


def test_it_trains_on_the_statistics_it_was_given(unpacked: Path, looks: list[Image]) -> None:
    """What a layer expects of a channel is what it gets: as a batch, the same frames give what they give one by one."""
    from models.training.unpack import _input

    frames = torch.cat([_input(load_pack("street"), each) for each in looks])
    network = network_of(unpacked)
    with torch.no_grad():
        expected = network.eval()(frames)[1]["one2many"]["scores"]
        got = network.train()(frames)["one2many"]["scores"]
    torch.testing.assert_close(got, expected, atol=0.05, rtol=0.01)


def test_a_training_may_start_from_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a checkpoint as it is; from a pack by its name, made into one once, and of pictures that every checkout has."""
    monkeypatch.setenv("TRIKEYE_SHARED", str(tmp_path))
    monkeypatch.setattr("models.training.unpack.PICTURES", 2)
    out = tmp_path / "start.pt"
    assert starting_point(Path("last.pt"), out) == Path("last.pt")
    assert starting_point(Path("street"), out) == out
    assert tuple(network_of(out).names.values()) == NAMES
    made = out.stat().st_mtime_ns
    assert starting_point(Path("street"), out).stat().st_mtime_ns == made


def test_a_checkpoint_becomes_a_pack_and_the_pack_one_again(unpacked: Path, tmp_path: Path) -> None:
    """Its parameters come back to the last bit that merging batch normalisations leaves; it says which network it is."""
    export(str(unpacked), tmp_path / "pack", "round-1", SMALL)
    pack = load_pack(tmp_path / "pack")
    assert (pack.width, pack.height, pack.sizes) == (160, 96, "fixed")
    assert [label.name for label in pack.labels] == list(NAMES)
    about = {prop.key: prop.value for prop in onnx.load(str(pack.model)).metadata_props}
    assert about["network"] == "yolo26n"
    assert str(tmp_path) not in pack.model.read_bytes().decode("latin1")
    before, after = (restored(each).eval() for each in (load_pack("street"), pack))
    with torch.inference_mode():
        torch.testing.assert_close(after(blocks((96, 160)))[0], before(blocks((96, 160)))[0], atol=0.01, rtol=1e-3)


def test_a_pack_made_of_a_pack_keeps_what_holds_of_its_labels_and_not_its_figures(tmp_path: Path) -> None:
    differences = export("street", tmp_path / "pack", "square-1", Size.parse("320x320"))
    assert differences["score"] < 1e-3
    old, new = load_pack("street"), load_pack(tmp_path / "pack")
    assert (new.labels, new.platt, new.licence) == (old.labels, old.platt, old.licence)
    assert new.card["exported_from"] == f"{old.name} sha256:{old.digest}"
    assert not {"live", "map50"} & set(new.card)


def test_with_free_sides_every_shape_is_seen_as_by_a_network_made_for_it(
    aspect: Path, fixed_shape: Path, looks: list[Image]
) -> None:
    """640x384 for ever against the same network with free sides; an upright picture stands in an upright input."""
    pack = load_pack(aspect)
    look = looks[0]
    lying = np.ascontiguousarray(look[: look.shape[1] * 384 // 640])
    fixed, free = Detector(load_pack(fixed_shape)), Detector(pack)
    expected, got = fixed.detect(lying), free.detect(lying)
    assert len(expected) >= 3
    assert [each.label.name for each in got] == [each.label.name for each in expected]
    np.testing.assert_allclose([each.box_px for each in got], [each.box_px for each in expected], atol=0.1)
    upright = np.ascontiguousarray(look[:, : look.shape[0] * 384 // 640])
    assert len(free.detect(upright)) >= len(fixed.detect(upright)) > 0
    session = onnxruntime.InferenceSession(str(pack.model))
    assert session.get_inputs()[0].shape == [1, 3, "height", "width"]
    anchors = sum((64 // step) * (352 // step) for step in (8, 16, 32))
    assert session.run(None, {"images": blocks((64, 352)).numpy()})[0].shape == (1, 37, anchors)


def test_free_sides_cost_nothing_once_they_are_known(aspect: Path, fixed_shape: Path, tmp_path: Path) -> None:
    """Folded for a shape, the graph has the same operations as one that was exported for it."""
    kinds = []
    for number, model in enumerate((fixed_shape / "model.onnx", aspect / "model.onnx")):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / f"{number}.onnx")
        for side, length in (("height", 384), ("width", 640)):
            options.add_free_dimension_override_by_name(side, length)
        onnxruntime.InferenceSession(str(model), options)
        kinds.append(sorted(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node))
    assert kinds[0] == kinds[1]


def test_int8_sees_what_floats_see_with_the_head_in_floats(looks: list[Image], tmp_path: Path) -> None:
    differences = export("street", tmp_path / "pack", "int8-1", Size(320, 192), looks)
    assert differences["agreement"] >= 0.6
    graph = onnx.load(str(tmp_path / "pack" / "model.onnx")).graph
    assert {prop.key for prop in onnx.load(str(tmp_path / "pack" / "model.onnx")).metadata_props} >= {
        "network",
        "license",
    }
    weights = {each.name: each.data_type for each in graph.initializer}
    assert weights["model.23.cv3.0.2.weight"] == onnx.TensorProto.FLOAT
    assert weights["model.0.conv.weight_quantized"] == onnx.TensorProto.INT8
    scales = next(each for each in graph.initializer if each.name == "model.0.conv.weight_scale")
    assert list(scales.dims) == [16], "one scale a channel"
    assert load_pack(tmp_path / "pack").model.stat().st_size < 0.5 * load_pack("street").model.stat().st_size
    with pytest.raises(ValueError, match="as floats"):
        restored(load_pack(tmp_path / "pack"))


def test_an_int8_network_that_lost_its_scores_is_refused(looks: list[Image]) -> None:
    """As it does with its head in integers: steps as large as a box's pixels need leave nothing of a score."""
    whole = run_onnx(load_pack("street").model)
    assert exporting.agreement(whole, whole, looks, Size()) == 1.0
    with pytest.raises(ValueError, match="the quantised one keeps 0%"):
        exporting.agreement(whole, lambda picture: np.round(whole(picture) / 3) * 3, looks, Size())
    with pytest.raises(ValueError, match="sure of nothing"):
        exporting.agreement(whole, whole, [np.zeros((384, 640, 3), np.uint8)], Size())


def test_an_export_that_differs_is_refused_and_leaves_the_old_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export("street", tmp_path / "pack", "first-1", SMALL)
    kept = (tmp_path / "pack" / "pack.toml").read_bytes()
    monkeypatch.setattr(exporting, "run_onnx", lambda model: lambda picture: run_onnx(model)(picture * 0.9))
    with pytest.raises(ValueError, match="differ by"):
        export("street", tmp_path / "pack", "second-1", SMALL)
    assert (tmp_path / "pack" / "pack.toml").read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """Files may not grow beyond a megabyte: as on a full disk, writing fails in the midst."""
    done = trikeye(tmp_path, "street", "--size", "160x96", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))  # fmt: skip
    assert done.returncode == 1
    assert "see that its disk has room" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_source_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "no.pt").write_bytes(b"nothing of the kind")
    coco = restored(load_pack("street"))
    coco.names = {number: f"thing {number}" for number in range(len(CLASSES))}
    save(coco, tmp_path / "coco.pt")
    for source, words in (("no.pt", "is no checkpoint"), ("coco.pt", "has other classes"), ("none.pt", "none.pt")):
        with pytest.raises((ValueError, OSError), match=words):
            export(str(tmp_path / source), tmp_path / "pack", "x-1", SMALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not replace")
    with pytest.raises(ValueError, match=r"holds thesis\.txt"):
        export("street", tmp_path / "mine", "x-1", SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco.pt", "mine", "no.pt"]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The shipped pack's card over a file to be spoilt."""
    folder = tmp_path / "pack"
    folder.mkdir()
    write_pack(folder, read_pack(load_pack("street").model.parent))
    return folder


def spoilt(pack: Path, change: str) -> None:
    graph, card = onnx.load(str(load_pack("street").model)), read_pack(pack)
    if change == "opset":
        graph.opset_import[0].version = 99
    elif change == "output":
        del card["labels"][-1]
    else:
        graph.doc_string = "another"
    onnx.save(graph, str(pack / "model.onnx"))
    if change != "digest":
        card["digest"] = f"sha256:{hashlib.sha256((pack / 'model.onnx').read_bytes()).hexdigest()}"
    write_pack(pack, card)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [("opset", MalformedPack, "cannot be loaded: .*opset"), ("output", MalformedPack, "does not fit 32 labels"), ("digest", WrongDigest, "sha256")],
)  # fmt: skip
def test_a_pack_that_cannot_run_says_why(pack: Path, change: str, error: type[Exception], words: str) -> None:
    spoilt(pack, change)
    with pytest.raises(error, match=words):
        Detector(load_pack(pack))


def test_the_verb_says_what_it_made_and_what_is_missing(tmp_path: Path) -> None:
    done = trikeye(tmp_path, "street", "--size", "160x96", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) | {"score": 0, "box_px": 0} == {
        "out": str(tmp_path / "pack"), "name": "tiny-1", "format": "onnx", "precision": "float", "pack": True, "score": 0, "box_px": 0,
    }  # fmt: skip
    for argv, words in (
        (["street", "--format", "ncnn"], "pip install pnnx ncnn"), (["street", "--format", "openvino"], "pip install openvino"),
        (["street", "--size", "640x360"], "multiple of 32"),
        (["street", "--format", "ncnn", "--size", "aspect"], "leave them out"),
    ):  # fmt: skip
        done = trikeye(tmp_path / "other", *argv)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
        assert not (tmp_path / "other").exists()


def test_classes_of_redaction_are_those_it_is_trained_on() -> None:
    assert tuple(each.name for each in REDACTION) == REDACTED


def trikeye(folder: Path, *argv: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "trikeye",
        "models",
        "export",
        *argv,
        "--out",
        str(folder / "pack"),
        "--name",
        "tiny-1",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **more)  # type: ignore[call-overload, no-any-return]
