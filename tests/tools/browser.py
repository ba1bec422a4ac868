"""browser.py - a headless Chromium, spoken to over a pipe: pages, what they log and ask of the network, pictures of them."""
import base64
import json
import os
import select
import subprocess
import tempfile
import time


class Browser:
    """One browser with one page. Messages of the DevTools protocol are JSON that ends in a NUL."""

    LIMIT_S = 120

    def __init__(self, program):
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # the browser reads descriptor 3 and writes 4; both are moved out of the way first, as they may be these numbers
        a, b = os.dup(to_browser), os.dup(from_browser)
        a, b = self._above(a), self._above(b)

        def place():
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
             "--user-data-dir=" + self.profile.name, "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in (to_browser, from_browser, a, b):
            os.close(fd)
        self.pending, self.events, self.last = b"", [], 0
        target = self.send("Target.createTarget", url="about:blank", session=None)["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(domain + ".enable")

    @staticmethod
    def _above(fd):
        while fd < 10:
            fd = os.dup(fd)
        return fd

    def _next(self):
        until = time.monotonic() + self.LIMIT_S
        while b"\0" not in self.pending:
            if not select.select([self.read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            got = os.read(self.read, 1 << 20)
            if not got:
                raise EOFError("the browser has ended")
            self.pending += got
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, session="page", **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session == "page":
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            got = self._next()
            if got.get("id") == self.last:
                if "error" in got:
                    raise RuntimeError("%s: %s" % (method, got["error"]["message"]))
                return got["result"]
            if "method" in got:
                self.events.append(got)

    def open(self, url, width, height=900, dark=False, phone=False, script=True):
        self.events = []
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.send("Emulation.setEmulatedMedia", media="",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send("Page.navigate", url=url)
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            got = self._next()
            if "method" in got:
                self.events.append(got)

    def run(self, script):
        got = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(got["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
        return got["result"].get("value")

    def logged(self):
        """Errors and warnings of the page since it was opened."""
        all_texts = []
        for e in self.events:
            if e["method"] == "Runtime.exceptionThrown":
                all_texts.append(e["params"]["exceptionDetails"]["text"])
            elif e["method"] == "Runtime.consoleAPICalled" and e["params"]["type"] in ("error", "warning", "assert"):
                all_texts.append(str(e["params"]["args"]))
            elif e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in ("error", "warning"):
                all_texts.append(e["params"]["entry"]["text"])
        return all_texts

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def picture(self, path, clip=None):
        params = {"format": "png", "captureBeyondViewport": True}
        if clip:
            params["clip"] = dict(zip(("x", "y", "width", "height"), clip), scale=1)
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.send("Page.captureScreenshot", **params)["data"]))

    def close(self):
        try:
            self.send("Browser.close", session=None)
        except (EOFError, OSError, RuntimeError, TimeoutError):
            self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        self.profile.cleanup()
