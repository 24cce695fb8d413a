"""ST's power shield X-NUCLEO-LPM01A, measuring the board that is not there.

Its commands and formats are those of ST UM2269 (PowerShield firmware), as public clients of the
real device use and quote them: MLCommons Tiny's runner (``benchmark/runner/power_manager``), whose
logs and patterns fix the replies to ``powershield``, ``version``, ``status``, ``start`` and
``stop``, the time stamps and the events. No real device was at hand to compare with.
"""
