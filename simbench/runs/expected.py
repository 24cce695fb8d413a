"""What the outputs of a task should be."""

from __future__ import annotations

from simbench.models.prepared import PreparedModel
from simbench.models.recall import Expected, expected_outputs
from simbench.store import Store
from simbench.task.tasks import ElfTask, ModelTask, Task


def expected_of(task: Task, store: Store | None) -> Expected:
    """The host's reference outputs for the inputs of ``task``, recalled where they are known.

    Of a user's own ELF none are expected where its model is not known.
    """
    match task:
        case ModelTask():
            tensors = [entry.tensor for entry in task.inputs]
            return expected_outputs(task.benchmark.id, task.model, tensors, store)
        case ElfTask(model=PreparedModel() as model):
            tensors = [entry.tensor for entry in task.inputs]
            return expected_outputs(task.benchmark.id, model, tensors, store)
    return Expected(())
