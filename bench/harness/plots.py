# SPDX-License-Identifier: BSL-1.0
"""Bars as SVG, which are as legible on a dark page as on a light one."""
from xml.sax.saxutils import escape

LEFT, WIDTH, RIGHT, BAR, GAP = 240, 400, 80, 14, 6
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 }
  .faint { fill: #6e7781 }
  .ours { fill: #1f77d0 } .other { fill: #9aa4ae } .bare { fill: #c9a227 }
  .mark { stroke: #d1242f; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #d1d7de } .faint { fill: #9198a1 }
    .ours { fill: #58a6ff } .other { fill: #5d6670 } .bare { fill: #d4b13f }
  }
"""


def kind(label, marked):
    if label.startswith("sluice") or marked:
        return "ours"
    return "bare" if label.startswith("bare") else "other"


def bars(title, unit, rows, digits=2, marked=False):
    """`rows`: (label, value, mark or None). What is ours stands out, with `marked` all of it."""
    largest = max([value for _, value, _ in rows] + [mark for *_, mark in rows if mark])
    height = 44 + len(rows) * (BAR + GAP) + 8
    total = LEFT + WIDTH + RIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="16">{escape(title)}</text>',
        f'<text class="faint" x="0" y="34">{escape(unit)}</text>',
    ]
    for index, (label, value, mark) in enumerate(rows):
        y = 44 + index * (BAR + GAP)
        length = max(1, value / largest * WIDTH)
        reach = (mark or 0) / largest * WIDTH
        out.append(f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(label)}</text>')
        out.append(f'<rect class="{kind(label, marked)}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>')
        if mark:
            x = f"{LEFT + reach:.1f}"
            out.append(f'<line class="mark" x1="{x}" x2="{x}" y1="{y - 2}" y2="{y + BAR + 2}"/>')
        out.append(f'<text x="{LEFT + max(length, reach) + 6:.1f}" y="{y + 11}">{value:.{digits}f}</text>')
    return "\n".join(out) + "\n</svg>\n"
