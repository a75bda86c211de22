"""An address as a square that a phone reads, drawn as SVG with attributes only."""

from __future__ import annotations

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET = 2


def qr_svg(text: str, words: str) -> str:
    """The square; `words` say to who does not see it what it is."""
    code = qrcode.QRCode(border=QUIET, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return f'<svg class="qr" viewBox="0 0 {len(matrix)} {len(matrix)}" role="img" aria-label="{words}"><rect width="100%" height="100%" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
