"""TensorBoard, W&B and MLflow beside the local record, for student and teacher."""

from mmengine.config import Config

LOCAL = 'LocalVisBackend'
# What names or continues one run: the student's.
OF_ONE_RUN = ('name', 'id', 'resume', 'resume_from', 'fork_from')


def keep_local_record(cfg: Config) -> None:
    """Log to the work dir too, which the report is made from.

    A config that says ``vis_backends``, and an override of its first entry, would
    have the tracker instead.
    """
    backends = (cfg.get('visualizer') or {}).get('vis_backends')
    if isinstance(backends, dict):
        cfg.visualizer.vis_backends = backends = [backends]
    if backends and not any(b['type'].split('.')[-1] == LOCAL for b in backends):
        cfg.visualizer.vis_backends = [dict(type=LOCAL), *backends]


def name_own_run(cfg: Config) -> None:
    """A teacher's stage goes to the student's trackers as a run of its own."""
    for backend in (cfg.get('visualizer') or {}).get('vis_backends') or []:
        backend.pop('run_name', None)
        for key in OF_ONE_RUN:
            (backend.get('init_kwargs') or {}).pop(key, None)
