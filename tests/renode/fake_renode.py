#!/usr/bin/env python3
"""A scripted stand-in for Renode, for tests. It is not Renode and emulates nothing.

It speaks the Monitor's prompt protocol as far as simbench does, knows the commands that simbench
sends and refuses every other, and answers from the script that FAKE_RENODE names: the bytes that
a real board (in QEMU) received and sent, the trace of each measured window in Renode's format, what
the markers of that window saw, and what the counter would have summed up of it. Other keys of the
script make it misbehave. With the key ``mvid`` it says which library it is, compiles into its
temporary folder, and loads what it compiled itself.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ACCEPTED = re.compile(
    r"logLevel \d|emulation Set\w+ \S+|using sysbus|machine LoadPlatformDescription @\S+"
    r"|sysbus Load(ELF|Binary) @\S+( 0x[0-9a-f]{8})?|cpu \w+ (0x)?[0-9a-f]+"
    r"|trace\d+ TrackMemoryAccesses|cpu DisableExecutionTracing"
    r"|cpu SimbenchSegment 0x[0-9a-f]{8} 0x[0-9a-f]{8} \d|cpu SimbenchMarker 0x[0-9a-f]{8} \d"
    r"|cpu SimbenchStart(Blocks)?|cpu SimbenchStop"
    r"|cpu SimbenchCache \"\d+( \d+){9}\"|cpu SimbenchCachesRest 0x[0-9a-f]{8} (true|false)"
)
COMPILED = b"what Renode compiled"
COLUMNS = 80
"""After which the console goes to the next line, as Renode's does also into a pipe."""


class Fake:
    """The state of the stand-in."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.script = script
        self.turns = [tuple(map(base64.b64decode, turn)) for turn in script["turns"]]
        self.turn = -1
        self.typed = b""
        self.windows = 0
        self.slices = 0
        self.uart = self.marks = self.trace = Path(os.devnull)
        self.sums: str | None = None
        self.prompt = "(monitor) "

    def obey(self, line: str) -> None:
        """One line of commands."""
        if self.script.get("echo", True):
            shown = self.prompt + line  # the prompt is there already
            columns = (shown[n : n + COLUMNS] for n in range(0, len(shown), COLUMNS))
            print(" \r".join(columns)[len(self.prompt) :])
        for command in line.split("; "):
            refused = self.script.get("refuse", {}).get(command.split(" @")[0])
            if refused:
                print(f"There was an error executing command '{command}'\n{refused}")
                break
            if command == self.script.get("dies_at"):
                sys.exit(3)
            if not self.perform(command):
                print(f"No such command or device: {command}")
        print(self.prompt, end="", flush=True)

    def perform(self, command: str) -> bool:
        """Whether the command is known."""
        if found := re.fullmatch(r'echo "(.*)"', command):
            print(found[1])
        elif command == 'mach create "board"':
            self.prompt = "(board) "
        elif found := re.fullmatch(r"uart CreateFileBackend @(\S+) true", command):
            self.uart = Path(found[1])
        elif found := re.fullmatch(
            r"cpu AddHook 0x[0-9a-f]{8} \"System\.IO\.File\.AppendAllText\('(\S+)',"
            r" '\d %d' % self\.ExecutedInstructions \+ chr\(10\)\)\"",
            command,
        ):
            self.marks = Path(found[1])
        elif found := re.fullmatch(
            r'cpu CreateExecutionTracingSynchronous "trace\d+" @(\S+) PCAndOpcode true', command
        ):
            self.trace = Path(found[1])
        elif re.fullmatch(r"include @\S+counter\.cs", command):
            print(self.script.get("compiler", ""), end="")
            if "mvid" in self.script:
                Path(os.environ["TMPDIR"], "compiled.dll").write_bytes(COMPILED)
        elif re.fullmatch(r'python "import clr;.*ModuleVersionId\)"', command):
            print(self.script.get("mvid", ""))
        elif found := re.fullmatch(r"python \".*ScanFile\('(\S+)'\)\)\"", command):
            print(Path(found[1]).read_bytes() == COMPILED)
        elif found := re.fullmatch(r"cpu SimbenchCount @(\S+)", command):
            self.sums = found[1]
        elif command == "cpu SimbenchInWindow":
            print(self.script.get("in_window", "0x0000000000000000"))
        elif found := re.fullmatch(r"uart WriteChar (0x[0-9a-f]{2})", command):
            self.typed += bytes([int(found[1], 16)])
        elif re.fullmatch(r'emulation RunFor "\d+\.\d{6}"', command):
            self.slices += 2
            self.run()
        elif command == "cpu PC":
            at = int(self.script.get("at", "0x00000100"), 16) if self.script.get("walks") else None
            print(self.script.get("at", "0x00000100") if at is None else f"{at + self.slices:#x}")
        elif command == "cpu ExecutedInstructions":
            rises = 1000 * self.slices if self.script.get("rises") else 0
            print(f"{int(self.script.get('executed', '0x1000'), 16) + rises:#018x}")
        elif command == "quit":
            sys.exit(0)
        else:
            return bool(ACCEPTED.fullmatch(command))
        return True

    def run(self) -> None:
        """Go on to the next turn of the script once all that it begins with was typed."""
        if self.turn + 1 == len(self.turns) or self.typed != self.turns[self.turn + 1][0]:
            return
        self.turn, self.typed = self.turn + 1, b""
        if self.script.get("hangs_at") == self.turn:
            time.sleep(3600)
        if self.turn in self.script["windows"]:
            window = self.script["windows"].index(self.turn)
            if self.sums is not None:
                shutil.copyfile(self.script["sums"][window], f"{self.sums}{window}")
            else:
                shutil.copyfile(self.script["traces"][window], self.trace)
                with self.marks.open("a") as file:
                    file.write(self.script["marks"][window])
        with self.uart.open("ab") as file:
            file.write(self.turns[self.turn][1])


def main() -> None:
    """Serve until the end of the input; then, like Renode, stay."""
    script = json.loads(Path(os.environ["FAKE_RENODE"]).read_text())
    if "--version" in sys.argv:
        print(script.get("version", "Renode v1.16.1.12345"))
        return
    Path(sys.argv[sys.argv.index("--pid-file") + 1]).write_text(str(os.getpid()))
    if script.get("is_silent"):
        time.sleep(3600)
    fake = Fake(script)
    print("Renode, version 1.16.1.12345 (a scripted stand-in)\n" + fake.prompt, end="", flush=True)
    for line in sys.stdin:
        fake.obey(line.rstrip("\n"))
    time.sleep(3600)


if __name__ == "__main__":
    main()
