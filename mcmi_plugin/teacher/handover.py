"""A teacher that is handed over as it is, or at another temperature."""

from typing import Any, cast

from mmengine.config import Config
from mmpretrain.utils import get_ori_model

from mcmi_plugin.evaluation.measure import is_worse_than_guessing, measured
from mcmi_plugin.isolation import isolated
from mcmi_plugin.losses.cmi_loss import find_cmi_loss
from mcmi_plugin.runner.build import build_runner
from mcmi_plugin.teacher.stage import weights_of
from mcmi_plugin.teacher.start import Start
from mcmi_plugin.teacher.temperature import best_temperature, divide_logits
from mcmi_plugin.weights.loading import load_weights


def hand_over(
    cfg: Config, start: Start, temperature: float | str | None
) -> tuple[dict, dict]:
    """Measure a teacher once, without training it, and set its temperature.

    Args:
        cfg: of a fine-tune, for its model and its measuring loaders.
        temperature: a number, ``'validation'`` or None.

    Returns:
        The classifier's weights on the CPU, and the record: what it was before and
        after, and the temperature where there is one.

    Raises:
        UserError: the weights are not this network's, or a temperature cannot be
            put into them.
    """
    with isolated():
        runner = build_runner(cfg)
        model = get_ori_model(runner.model)
        load_weights(model, start.weights, start.source)
        model.eval()
        hook = cfg.custom_hooks[0]
        loaders = dict(train=runner.build_dataloader(hook.dataloader))
        if hook.val_dataloader:
            loaders['val'] = runner.build_dataloader(hook.val_dataloader)
        num_classes = find_cmi_loss(model).num_classes
        before = after = measured(model, loaders, num_classes, 'as it was trained')
        record: dict[str, Any] = dict(
            dataset_meta=dict(getattr(loaders['train'].dataset, 'metainfo', {}))
        )
        if is_worse_than_guessing(before['train']['ll'], num_classes):
            record['worse_than_guessing'] = True
        if temperature is not None:
            if temperature == 'validation':
                temperature = best_temperature(model, loaders['val'])
            divide_logits(model, cast(float, temperature), next(iter(loaders['train'])))
            title = f'at temperature {temperature:.3g}'
            after = measured(model, loaders, num_classes, title)
            record['temperature'] = temperature
        return weights_of(model), dict(record, before=before, after=after)
