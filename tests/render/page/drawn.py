"""Digits as lines, and how a browser's pointer draws them."""

from __future__ import annotations

from math import cos, radians, sin

from render.page.browsing import settle


def arc(x, y, across, down, start, end, pieces=8):
    """Return points of an ellipse between two angles, in degrees; 0 is to the right, 90 below."""
    angles = [radians(start + (end - start) * n / pieces) for n in range(pieces + 1)]
    return [(x + across * cos(angle), y + down * sin(angle)) for angle in angles]


DIGITS = {
    "0": [arc(0.5, 0.5, 0.26, 0.4, -90, 270, 12)],
    "1": [[(0.5, 0.1), (0.5, 0.9)]],
    "2": [[*arc(0.5, 0.32, 0.25, 0.22, 200, 380), (0.3, 0.88), (0.78, 0.88)]],
    "3": [[*arc(0.47, 0.3, 0.24, 0.2, 200, 450), *arc(0.47, 0.7, 0.27, 0.2, -90, 160)]],
    "4": [[(0.38, 0.1), (0.25, 0.55), (0.8, 0.55)], [(0.68, 0.15), (0.64, 0.92)]],
    "5": [[(0.72, 0.12), (0.36, 0.12), (0.32, 0.47), *arc(0.48, 0.66, 0.25, 0.24, -120, 140)]],
    "6": [[(0.62, 0.08), (0.42, 0.3), *arc(0.5, 0.68, 0.23, 0.24, 200, -160, 12)]],
    "7": [[(0.22, 0.14), (0.78, 0.14), (0.45, 0.92)]],
    "8": [arc(0.5, 0.3, 0.2, 0.2, 90, 450), arc(0.5, 0.7, 0.24, 0.2, -90, 270)],
    "9": [[*arc(0.5, 0.32, 0.22, 0.22, 0, 360), (0.7, 0.6), (0.62, 0.92)]],
}
"""Strokes of each digit, points (x, y) in a square of side 1."""

BOARD = """(() => {
    const box = document.getElementById("board").getBoundingClientRect();
    return [box.left, box.top, box.width, box.height];
})()"""


def placed(strokes, scale=1.0, right=0.0, down=0.0):
    """Return strokes of another size, moved by shares of the board."""
    return [
        [(0.5 + (x - 0.5) * scale + right, 0.5 + (y - 0.5) * scale + down) for x, y in stroke]
        for stroke in strokes
    ]


def draw(browser, strokes, *, touch=False):
    """Draw strokes on the board as a mouse, or a finger, would."""
    left, top, width, height = browser.evaluate(BOARD)
    for stroke in strokes:
        points = [{"x": left + x * width, "y": top + y * height} for x, y in stroke]
        if touch:
            browser.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=points[:1])
            for point in points[1:]:
                browser.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[point])
            browser.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            continue
        button = {"button": "left", "clickCount": 1}
        browser.send("Input.dispatchMouseEvent", type="mousePressed", **points[0], **button)
        for point in points[1:]:
            browser.send("Input.dispatchMouseEvent", type="mouseMoved", buttons=1, button="left", **point)
        browser.send("Input.dispatchMouseEvent", type="mouseReleased", **points[-1], **button)
    settle(browser)
