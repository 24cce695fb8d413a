"""An optimiser's loop: the largest keyword spotter that answers in time on a board.

``pip install "optuna>=5"``, then ``python optimise.py --platform stm32f4 --limit-ms 20``. Optuna
proposes networks of the family in ``spotters.py``, simbench measures each, and what is too slow, or
does not fit, is no candidate. "Largest" is by multiply-accumulates, as nothing is trained here: put
your own accuracy in ``worth``.
"""

from __future__ import annotations

import argparse

import optuna
import spotters

import simbench

WIDTHS = (4, 6, 8, 12, 16, 20, 24, 32, 48)


def proposed(trial: optuna.Trial) -> spotters.Spotter:
    """A network of the family."""
    depth = trial.suggest_int("depth", 1, 5)
    width = trial.suggest_categorical("width", WIDTHS)
    growth = trial.suggest_categorical("growth", (1.0, 1.5))
    return spotters.Spotter(
        stem=trial.suggest_categorical("stem", (4, 6, 8, 12, 16, 24, 32)),
        stride=trial.suggest_categorical("stride", (2, 4)),
        kernel=trial.suggest_categorical("kernel", (3, 5)),
        channels=tuple(max(2, int(width * growth**i) // 2 * 2) for i in range(depth)),
        halves=trial.suggest_int("halves", 0, 2),
    )


def worth(row: simbench.ModelRow) -> float:
    """What is to be as large as it can be."""
    return float(row.macs or 0)


def main() -> None:
    """Search, and print the best."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--platform", default="stm32f4")
    parser.add_argument("--limit-ms", type=float, default=20.0)
    parser.add_argument("--trials", type=int, default=100)
    asked = parser.parse_args()

    def objective(trial: optuna.Trial) -> float:
        network = proposed(trial)
        bytes_of = {network.name: spotters.model(network)}
        (row,) = simbench.measure(bytes_of, platforms=asked.platform, parity="none")
        took_s = row.time_s if row.fits and row.time_s is not None else float("inf")
        trial.set_constraint("time", took_s * 1e3 - asked.limit_ms)
        trial.set_user_attr("is_in_time", took_s * 1e3 <= asked.limit_ms)
        trial.set_user_attr("said", f"{network.name}: {took_s * 1e3:.2f} ms, {row.macs:,} MACs")
        return worth(row)

    sampler = optuna.samplers.TPESampler(seed=0)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=asked.trials)
    in_time = [t for t in study.trials if t.user_attrs["is_in_time"]]
    print(f"{len(study.trials)} networks, {len(in_time)} of them within {asked.limit_ms:g} ms")
    if in_time:
        print(max(in_time, key=lambda trial: trial.value or 0.0).user_attrs["said"])


if __name__ == "__main__":
    main()
