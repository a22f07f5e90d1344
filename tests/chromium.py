"""A headless Chromium that a test drives over a pipe, with nothing installed besides the browser."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
]


def program():
    """Return the path of the browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
ARROWS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
KEYS = ARROWS | {"PageUp": 33, "PageDown": 34, "Home": 36, "End": 35, " ": 32, "Enter": 13, "Escape": 27}
KEYS |= {"Tab": 9, "z": 90}
"""The numbers of keys."""

MARKS = [
    pytest.mark.long,
    pytest.mark.skipif(program() is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]


class Chromium:
    """One page. `events` holds what the browser reported: requests, console messages, exceptions."""

    def __init__(self, profile, *flags):
        # The browser reads commands from descriptor 3 and writes answers to 4, each ended by a null byte.
        theirs, self._out = os.pipe()
        self._in, answers = os.pipe()
        script = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        command = [program(), *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", str(theirs), str(answers), *command],
            pass_fds=(theirs, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        self._buffer, self._number, self._session, self.events = b"", 0, None, []
        self._context = None
        self.renew()

    def renew(self):
        """Begin anew with a page that knows of none before: no storage, no size, no colours of theirs."""
        old, self._session = self._context, None
        if old is not None:
            self.send("Target.disposeBrowserContext", browserContextId=old)
        self._context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=self._context)
        self._session = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.events.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.send("Browser.close")
        self._process.wait(30)
        os.close(self._in)
        os.close(self._out)

    def send(self, method, **parameters):
        """Send a command and return its result; what is reported meanwhile goes to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 16)
            assert part, "the browser has ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def wait_for(self, method):
        """Wait until an event is reported."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._read())

    def open(self, path: Path, place=""):
        """Load a page, or a place in it, and wait until it is there."""
        self.events.clear()
        self.send("Page.navigate", url="about:blank")
        self.wait_for("Page.loadEventFired")
        self.events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri() + place)
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression):
        """Return the value of a JavaScript expression on the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key, *, control=False):
        """Press and release a key, with Control held down if wanted."""
        held = 2 if control else 0
        for kind in ("keyDown", "keyUp"):
            code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            self.send("Input.dispatchKeyEvent", type=kind, modifiers=held, **code)

    @property
    def complaints(self):
        """What the page has said on its console, and its exceptions, since it was opened."""
        return [event for event in self.events if event.get("method") in COMPLAINTS]

    @property
    def asked(self):
        """The addresses that the page has asked for since it was opened, but itself and what lies in it."""
        requests = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        urls = [event["params"]["request"]["url"] for event in requests]
        return [url for url in urls if not url.startswith(("file:", "data:"))]

    def look(self, path: Path, width, height, *, dark=False):
        """Take a picture of the page at a size."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
