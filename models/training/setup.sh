#!/usr/bin/env bash
# Makes .venv-training: torch for the CPU, ultralytics, and what exports to ONNX. Run from the project's folder.
# torchvision's compiled operators do not fit torch's CPU build, and ultralytics needs only its version and `ops.nms`: a two-file stand-in takes its place.
set -euo pipefail
venv=.venv-training
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --upgrade 'pip>=24'
"$venv/bin/pip" install --quiet -c models/training/constraints.txt torch
"$venv/bin/pip" install --quiet --no-deps -c models/training/constraints.txt torchvision
"$venv/bin/pip" install --quiet -c models/training/constraints.txt ultralytics onnx onnxslim onnxruntime cbor2 pydantic pycocotools pytest pytest-timeout
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
if "$venv/bin/python" -c 'import torch, sys; sys.exit(torch.version.cuda is not None)'; then
  rm -rf "$site/torchvision"
  mkdir "$site/torchvision"
  printf '__version__ = "0.28.0"\nfrom . import ops\n' > "$site/torchvision/__init__.py"
  cat > "$site/torchvision/ops.py" <<'PY'
def nms(boxes, scores, iou_threshold):
    from ultralytics.utils.nms import TorchNMS
    return TorchNMS.nms(boxes, scores, iou_threshold)
PY
fi
"$venv/bin/pip" install --quiet --no-deps -e .
"$venv/bin/python" -c 'import torch, ultralytics; print("torch", torch.__version__, "ultralytics", ultralytics.__version__)'
