"""What was made once and need not be again: counts, models, references, decoded code, results.

Entries are content-addressed: the name of each is the hash of all that decides what is in it. What
is kept is up to its users: :mod:`simbench.session.observe`, :mod:`simbench.models.recall`,
:mod:`simbench.firmware.recall`, :mod:`simbench.runs.decoded`, :mod:`simbench.runs.priced`.
"""

from __future__ import annotations

from simbench.store.encoding import ENCODING, encode, key_of
from simbench.store.files import Entry, Store, default_store
from simbench.store.recall import Recall
from simbench.store.sources import sources_hash

__all__ = [
    "ENCODING",
    "Entry",
    "Recall",
    "Store",
    "default_store",
    "encode",
    "key_of",
    "sources_hash",
]
