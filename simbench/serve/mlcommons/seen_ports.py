"""Shows served ports to MLCommons Tiny's runner as USB ports, and starts it, unmodified.

``python seen_ports.py PORTS SCRIPT ARGUMENT...``, by the Python that the runner's packages are
installed for: nothing of simbench is imported. PORTS is a JSON list of ``device``, ``vid``, ``pid``
and ``description``. The runner finds its boards by what pyserial and pyusb list; this is all that
is put in their place.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import runpy
import sys
import traceback


def main(ports: str, script: str, arguments: list[str]) -> int:
    """Run ``script``; the exit code."""
    common = importlib.import_module("serial.tools.list_ports_common")

    def port(facts: dict[str, object]) -> object:
        info = common.ListPortInfo(facts["device"])
        info.vid, info.pid, info.description = facts["vid"], facts["pid"], facts["description"]
        return info

    listed = [port(facts) for facts in json.loads(ports)]
    serial = importlib.import_module("serial.tools.list_ports")
    usb = importlib.import_module("usb.core")
    setattr(serial, "comports", lambda *_: listed)  # noqa: B010
    setattr(usb, "find", lambda find_all=False, **_: () if find_all else None)  # noqa: B010
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # whatever it is, the threads that the runner leaves would go on for ever
        traceback.print_exc(file=sys.__stderr__)
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2], sys.argv[3:])
    logging.shutdown()
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    os._exit(code)
