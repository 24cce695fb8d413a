#!/bin/sh
# espeak-ng 1.52: a voice with breath or roughness (as +f3 is) draws it from numbers that the clock's second
# starts, so the same words, voice and version are other samples a second later. 1.51 gave the same each time.
. "$(dirname "$0")/common.sh"
environment espeak espeakng-loader==0.2.4

cat >"$WORK/say.py" <<'PYTHON'
import ctypes
import hashlib
import sys

import espeakng_loader

library = ctypes.CDLL(espeakng_loader.get_library_path())
heard = hashlib.sha256()
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@CALLBACK
def hear(samples, count, _events):
    if samples and count:
        heard.update(ctypes.string_at(samples, 2 * count))
    return 0


SYNCHRONOUS, CHARACTERS_UTF8 = 2, 1
path = espeakng_loader.get_data_path().encode()
assert library.espeak_Initialize(SYNCHRONOUS, 0, path, 0) > 0
library.espeak_SetSynthCallback(hear)
assert library.espeak_SetVoiceByName(sys.argv[1].encode()) == 0
word = b"up"
assert library.espeak_Synth(word, len(word) + 1, 0, 0, 0, CHARACTERS_UTF8, None, None) == 0
print(heard.hexdigest())
PYTHON
ways() { # the number of ways in which a voice says one word, a second apart
  for _ in 1 2 3; do
    "$WORK/espeak/bin/python" "$WORK/say.py" "$1"
    sleep 1.1
  done | sort -u | wc -l
}
verdict 'en-us: 1 way, en-us+f3: 1 way' 'en-us: 1 way, en-us+f3: 3 ways' \
  "en-us: $(ways en-us) way, en-us+f3: $(ways en-us+f3) ways"
