"""Let a config inherit from one that MMRazor ships by its ``mmrazor::`` path."""

import contextlib
import functools
from types import SimpleNamespace


def mend_validation_loops() -> None:
    """Build what a validation loop validates on in the config's own scope.

    What upstream gets wrong: the configs give ``val_cfg`` a loop of MMRazor's.
    In a config that inherits them through ``mmrazor::``, mmengine marks that
    loop with ``_scope_='mmrazor'`` and keeps the scope while the loop has the
    runner build its data, so the bare ``ResizeEdge`` or ``Accuracy`` of the
    same config is looked up in MMRazor and not found.

    It falls away when the loops have their data built in the runner's scope.
    """
    from mmrazor.engine import SelfDistillValLoop, SingleTeacherDistillValLoop

    for loop in (SingleTeacherDistillValLoop, SelfDistillValLoop):
        if not _builds_in_scope_of_runner(loop):
            loop.__init__ = _in_scope_of_runner(loop.__init__)


def _in_scope_of_runner(init):
    from mmengine.registry import DefaultScope

    @functools.wraps(init)
    def init_in_scope(self, runner, *args, **kwargs) -> None:
        scope = runner.default_scope and runner.default_scope.scope_name
        with DefaultScope.overwrite_default_scope(scope):
            init(self, runner, *args, **kwargs)

    return init_in_scope


def _builds_in_scope_of_runner(loop: type) -> bool:
    from mmengine.registry import DefaultScope

    scopes = []

    def build_dataloader(*args, **kwargs):
        scopes.append(DefaultScope.get_current_instance().scope_name)
        raise LookupError  # the loop has told enough

    runner = SimpleNamespace(
        default_scope=SimpleNamespace(scope_name='mmengine'),
        build_dataloader=build_dataloader,
        seed=0,
        _randomness_cfg={},
    )
    in_scope_of_loop = DefaultScope.overwrite_default_scope('mmrazor')
    with in_scope_of_loop, contextlib.suppress(LookupError):
        loop(runner, dataloader={}, evaluator={})
    return scopes == ['mmengine']
