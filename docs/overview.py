"""Draws docs/src/overview.svg: the daemons, the exporter and Prometheus.

    python3 docs/overview.py >docs/src/overview.svg

The boxes and arrows are the lists below; a test checks that the drawing is current.
"""

from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 250

# Left, top, width, height, style, lines of text.
BOXES = [
    (10, 20, 120, 50, "daemon", ["daemon1"]),
    (10, 100, 120, 50, "daemon", ["daemon2"]),
    (10, 180, 120, 50, "daemon", ["daemon3"]),
    (290, 20, 170, 210, "exporter", ["local-exporter", ":9598", "", "checks each body", "isolates each source"]),
    (650, 20, 100, 210, "scraper", ["Prometheus"]),
]

# From, to, height, label; the arrow points to where the request goes.
ARROWS = [
    (290, 130, 45, "reads a file"),
    (290, 130, 125, "connects to a socket"),
    (290, 130, 205, "calls a D-Bus method"),
    (650, 460, 45, "/bridge?selector=daemon1"),
    (650, 460, 125, "/bridge?selector=daemon2"),
    (650, 460, 205, "/bridge?selector=daemon3"),
]

STYLE = """
  text { font: 14px sans-serif; fill: #222; text-anchor: middle }
  .label { font-size: 12px }
  rect { stroke: #444; stroke-width: 1.5; rx: 6 }
  .daemon { fill: #e8f0fa } .exporter { fill: #fdf1dc } .scraper { fill: #fbe3dd }
  line { stroke: #444; stroke-width: 1.5; marker-end: url(#arrow) }
"""


def box(left, top, width, height, style, lines):
    yield f'<rect class="{style}" x="{left}" y="{top}" width="{width}" height="{height}"/>'
    middle = left + width // 2
    first = top + height // 2 + 5 - 10 * (len(lines) - 1)
    for number, line in enumerate(lines):
        if line:
            yield f'<text x="{middle}" y="{first + 20 * number}">{escape(line)}</text>'


def arrow(start, end, height, label):
    yield f'<line x1="{start}" y1="{height}" x2="{end + 3}" y2="{height}"/>'
    yield f'<text class="label" x="{(start + end) // 2}" y="{height - 8}">{escape(label)}</text>'


def main():
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">')
    print(f"<style>{STYLE}</style>")
    print('<defs><marker id="arrow" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" orient="auto">')
    print('<path d="M0 0 L10 5 L0 10 z" fill="#444"/></marker></defs>')
    print(f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" style="fill: #fff; stroke: none"/>')
    for shape in ARROWS:
        print("\n".join(arrow(*shape)))
    for shape in BOXES:
        print("\n".join(box(*shape)))
    print("</svg>")


if __name__ == "__main__":
    main()
