"""A headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import urlopen

import pytest
from PIL import Image
from tornado.websocket import WebSocketClientConnection, websocket_connect


class Page:
    """A tab: commands of the protocol, and what the page asked for and complained of."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._socket: WebSocketClientConnection = self._wait(
            lambda: websocket_connect(address, max_message_size=1 << 28)
        )
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async def closed() -> None:
            self._socket.close()  # where a loop runs: it schedules the rest

        self._loop.run_until_complete(closed())
        self._loop.close()

    def _wait(self, start: Callable[[], Awaitable[Any]]) -> Any:
        async def awaited() -> Any:
            return await asyncio.wait_for(start(), 30)

        return self._loop.run_until_complete(awaited())

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._wait(lambda: self._socket.write_message(json.dumps(message)))
        while True:
            answer: dict[str, Any] = json.loads(self._wait(self._socket.read_message))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def look(self, width: int, height: int, scheme: str, *, mobile: bool = False) -> None:
        """Show the page in a window of that size, in the "light" or "dark" scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def open(self, path: Path) -> None:
        self.command("Page.navigate", url=path.as_uri())
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What ``expression`` is in the page."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.05)

    def picture(self) -> Image.Image:
        """The whole page as it is seen."""
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")

    def complaints(self) -> list[str]:
        """Errors that the page raised or logged."""
        bad = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event) for event in self.events if event["method"] in bad]

    def requests(self) -> list[str]:
        """The addresses that the page asked for."""
        asked = (e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent")
        return [parameters["request"]["url"] for parameters in asked]


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A tab of a Chromium that keeps its profile in ``folder`` and ends with the block."""
    if shutil.which("chromium") is None:
        pytest.skip("no chromium: apt has none here, as 'make test-tools' says")
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    environment: Mapping[str, str] = {**os.environ, "HOME": str(folder)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            with Page(_address(folder / "DevToolsActivePort")) as page:
                yield page
        finally:
            process.terminate()


def _address(written: Path) -> str:
    deadline = time.monotonic() + 30
    while not written.exists() or len(written.read_text().split()) < 2:
        assert time.monotonic() < deadline, "chromium did not start"
        time.sleep(0.05)
    port = written.read_text().split()[0]
    tabs = json.loads(urlopen(f"http://127.0.0.1:{port}/json").read())
    address: str = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return address
