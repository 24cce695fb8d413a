# `make demo` shows simbench at work; `make check` is the quick door of who changes it, `make test`
# runs every check. All install what is missing.
VENV := .venv
BIN := $(VENV)/bin
C_SOURCES := $(shell find examples firmware_images simbench tests -name '*.[ch]' -o -name '*.cc')

.PHONY: help setup firmware images demo other-qemus test-tools check test test-renode test-encodings lint format docs bench lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup:  ## install what is missing: Debian packages, .venv, pinned sources
	@scripts/setup.sh

firmware: setup  ## build the firmware images and the counting plugin
	@$(BIN)/simbench build

images: setup  ## a wheel with every firmware image, for machines without a compiler, into dist/
	@$(BIN)/python scripts/images.py dist

demo: setup  ## run the four MLPerf Tiny benchmarks on an emulated STM32F405
	@$(BIN)/simbench run --platform stm32f4

lint: setup  ## ruff, mypy (strict) and clang-format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_SOURCES)

format: setup  ## lay out Python, C and C++ as `make lint` wants them
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_SOURCES)

docs: setup  ## build the documentation, strictly, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

other-qemus: setup  ## unpack newer QEMUs beside the installed one, where Debian has them
	@scripts/other_qemus.sh

test-tools:  # what only tests use
	@scripts/setup.sh --with-test-tools

check: lint  ## within a minute: lint, types, every test without emulator, image or browser
	$(BIN)/pytest --quick -q -n auto

test: test-tools lint docs firmware other-qemus  ## every check and every test
	$(BIN)/pytest -n 2

test-renode: test-tools firmware  ## the backend contract on a real Renode, and a cross-check with it
	$(BIN)/simbench crosscheck --platform stm32f4 --benchmark ad
	$(BIN)/pytest -rs tests/test_backend_contract.py -k renode

test-encodings: test-tools  ## hold the decoder against GNU's and LLVM's over nine million encodings
	SIMBENCH_ENCODINGS=all $(BIN)/pytest -n 0 -s tests/test_encodings.py

bench: firmware other-qemus  ## measure what simbench promises about itself, beside its baseline
	@$(BIN)/python scripts/bench $(BENCH)

lock: setup  ## pin requirements/dev.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev \
	  --no-header pyproject.toml -o requirements/dev.txt

clean:  ## remove what was built, not what was fetched
	rm -rf build/firmware build/plugin build/verifier site dist
