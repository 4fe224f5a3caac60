"""Runs of W&B and MLflow that one process can have several of."""

import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import MLflowVisBackend, WandbVisBackend


def give_each_runner_its_run() -> None:
    """Let a Runner inside another one's run log to a tracker's run of its own.

    What upstream gets wrong: both backends log to whatever run of the process is
    current. The teacher's stage is a Runner inside the student's: W&B refuses its
    config (the keys of the student's are there already), MLflow mixes the two and
    ends the student's run with the stage's, or finds no such run. MLflow's backend
    also asks for a folder as its store, whatever ``MLFLOW_TRACKING_URI`` says, and
    MLflow 3 refuses one; W&B's copies every Python file below the current folder.

    The mend: every Runner has its run, named after its work dir; a stage's MLflow
    run is nested in the student's. Where MLflow's data go is said by
    ``tracking_uri``, ``MLFLOW_TRACKING_URI`` or MLflow's own default. Code is copied
    where ``log_code_name`` asks for it.

    Each falls away when upstream's backend keeps its run (``wandb.init`` with
    ``reinit``, ``mlflow.start_run``).
    """
    for upstream, own, sign in (
        (WandbVisBackend, OwnWandbRun, 'reinit'),
        (MLflowVisBackend, OwnMLflowRun, 'start_run'),
    ):
        if sign not in inspect.getsource(upstream):
            VISBACKENDS.register_module(upstream.__name__, force=True, module=own)


class OwnWandbRun(WandbVisBackend):
    """``WandbVisBackend`` over a run, where upstream's is over the module."""

    _init_kwargs: dict[str, Any] | None
    _env_initialized: bool

    def _init_env(self) -> None:
        import wandb

        Path(self._save_dir).mkdir(parents=True, exist_ok=True)
        given = self._init_kwargs or {}
        self._named = 'name' in given
        self._run = wandb.init(
            **{'dir': self._save_dir, 'reinit': 'create_new', **given}
        )
        metrics: Any = self._define_metric_cfg or []
        if isinstance(metrics, dict):
            metrics = [dict(name=name, summary=how) for name, how in metrics.items()]
        for metric in metrics:
            self._run.define_metric(**metric)
        self._init_kwargs, self._wandb = given, wandb

    def add_config(self, config: Config, **kwargs) -> None:
        run = self.experiment
        if not self._named:
            run.name = Path(config.work_dir).name
        change = (self._init_kwargs or {}).get('allow_val_change', False)
        run.config.update(config.to_dict(), allow_val_change=change)
        if self._log_code_name is not None:
            run.log_code(name=self._log_code_name)

    def add_graph(self, model, data_batch, **kwargs) -> None:
        self.experiment.watch(model, **self._watch_kwargs)

    def add_image(self, name, image, step=0, **kwargs) -> None:
        self.add_scalars({name: self._wandb.Image(image)})

    def add_scalar(self, name, value, step=0, **kwargs) -> None:
        self.add_scalars({name: value})

    def add_scalars(self, scalar_dict, step=0, file_path=None, **kwargs) -> None:
        # No step: validation counts epochs and training steps, and W&B drops what
        # goes backwards. Both counts are among the scalars.
        self.experiment.log(scalar_dict, commit=self._commit)

    @property
    def experiment(self):
        """The run."""
        if not self._env_initialized:
            self._init_env()
            self._env_initialized = True
        return self._run

    def close(self) -> None:
        if self._env_initialized:
            self._run.finish()  # once more does nothing


class OwnMLflowRun(MLflowVisBackend):
    """``MLflowVisBackend`` that begins a run, and ends no other one."""

    _run_name: str | None
    _open = False

    def _init_env(self) -> None:
        import mlflow

        self._mlflow = mlflow
        if self._tracking_uri is not None:
            mlflow.set_tracking_uri(self._tracking_uri)
        name = self._exp_name or 'Default'
        found = mlflow.get_experiment_by_name(name)
        experiment = (
            mlflow.create_experiment(name, artifact_location=self._artifact_location)
            if found is None
            else found.experiment_id
        )
        # Not set_experiment: it is refused while the student's run goes on.
        mlflow.start_run(
            experiment_id=experiment,
            run_name=self._run_name,
            nested=True,
            tags=self._tags,
        )
        self._open = True
        if self._params is not None:
            mlflow.log_params(self._params)

    def add_config(self, config: Config, **kwargs) -> None:
        if self._run_name is None:
            self._run_name = Path(config.work_dir).name
        super().add_config(config, **kwargs)

    def close(self) -> None:
        if self._open:
            self._open = False
            super().close()
