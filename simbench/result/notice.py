"""What is said wherever results are shown to others."""

NOTICE = "no MLPerf result: MLCommons has neither reviewed nor published it"
SENTENCE = f"This is {NOTICE}."
