"""The stages of one job as a person counts them: which of how many, and what is left.

A Runner knows of its own stage alone. Where that is one of several, it is given a
:class:`PlaceInJob`, of which the log and the progress bar speak.
"""

from dataclasses import dataclass

from mmengine.runner import Runner

_KEY = '_mcmi_place'  # of the Runner; in no checkpoint


@dataclass(frozen=True)
class PlaceInJob:
    """Where a stage is in its job.

    Args:
        stage: its number, from 1.
        stages: how many there are.
        epochs_after: of the teacher's stages that follow.
        iterations_after: of the student, if that follows.
    """

    stage: int = 1
    stages: int = 1
    epochs_after: int = 0
    iterations_after: int = 0

    @property
    def words(self) -> str:
        """``stage 2 of 4``, or nothing where there is but one."""
        return f'stage {self.stage} of {self.stages}' * (self.stages > 1)

    def before(self, words: str) -> str:
        """A line of the log about this stage."""
        return ': '.join(filter(None, (self.words, words)))


@dataclass(frozen=True)
class JobPlan:
    """The stages of a job in their order, the student's last.

    Args:
        epochs: of the teacher's stages by their names.
        iterations: of the student.
    """

    epochs: dict[str, int]
    iterations: int

    def place(self, stage: str) -> PlaceInJob:
        """Where a stage is; ``'student'`` is the last, and what is not planned too."""
        names = list(self.epochs)
        if stage not in names:
            return PlaceInJob(len(names) + 1, len(names) + 1)
        number = names.index(stage) + 1
        after = sum(self.epochs[name] for name in names[number:])
        return PlaceInJob(number, len(names) + 1, after, self.iterations)


def tell_place(runner: Runner, place: PlaceInJob) -> None:
    """Let a Runner's log and bar know which stage it is."""
    setattr(runner, _KEY, place)


def place_of(runner: Runner) -> PlaceInJob:
    """Which stage a Runner is, the only one if nobody has said so."""
    return getattr(runner, _KEY, None) or PlaceInJob()


def iterations_after(runner: Runner) -> float:
    """How many iterations of the job follow those of a Runner in training."""
    place = place_of(runner)
    an_epoch = runner.max_iters / max(runner.max_epochs, 1)
    return place.epochs_after * an_epoch + place.iterations_after
