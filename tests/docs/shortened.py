"""How the commands of the pages are run here; what is in no table is run as it is.

A key that no page has any more is an error, so these tables cannot grow old.
"""

# Small pictures, one epoch; nine of them in threes, as batch norm wants two at least.
_SHORT = (
    'train_cfg.max_epochs=1 mcmi.epochs=1 train_dataloader.batch_size=3 '
    'train_dataloader.num_workers=0 val_dataloader.num_workers=0 '
    'optim_wrapper.optimizer.lr=0.001 '
)
_PICTURES = (
    f'{_SHORT} train_dataloader.dataset.pipeline.1.scale=32 '
    'val_dataloader.dataset.pipeline.1.scale=32 '
    'val_dataloader.dataset.pipeline.2.crop_size=32'
)
_CIFAR = 'train_cfg.max_epochs=1 mcmi.epochs=1 train_dataloader.num_workers=0 '
_DIGITS = 'train_cfg.max_epochs=1 mcmi.epochs=1 mcmi.mll_epochs=1 mcmi.control=False'

_OF_SWEEP = (
    'tests/sweep/test_sweep_command.py::test_a_sweep_from_controls_to_winner_and_again'
)

_JOURNEY = 'tests/docs/test_journey.py::'

# Words that stand for something of the reader's.
STANDS_FOR = {
    'CONFIG': 'configs/mcmi/quickstart_digits.py',
    'configs/study/NAME.py': 'configs/study/table5_synthetic.py',
}

# Command -> what is added to it.
MORE = {
    'python tools/train.py mine.py --cfg-options model.teacher_ckpt=my_teacher.pth': (
        _PICTURES
    ),
    'python tools/train.py configs/mcmi/quickstart_digits.py --cfg-options '
    'mcmi.form=budget mcmi.eps=0.02': _DIGITS,
    'python tools/study.py configs/study/table5_synthetic.py --scale small --grid '
    'delta=1': '--scale smoke --seeds 1 --arms "MCMI 0.5"',
    'python tools/train.py CONFIG --cfg-options mcmi.lmda=0.1': _DIGITS,
    'python -m benchmarks': 'centroids --rounds 1',
    'python -m benchmarks centroids crd': '--rounds 1',
    'python -m benchmarks --markdown': 'centroids --rounds 1',
    'python tools/train.py configs/examples/bring_your_own.py --cfg-options '
    'model.teacher_ckpt=None mcmi.mll_epochs=100': f'{_PICTURES} mcmi.mll_epochs=1',
    'python tools/train.py configs/examples/bring_your_own.py --cfg-options '
    'train_dataloader.dataset.extensions=[.jpg,.webp] '
    'val_dataloader.dataset.extensions=[.jpg,.webp]': _PICTURES,
    'python tools/train.py configs/mcmi/quickstart_digits.py --work-dir '
    'work_dirs/seed1 --cfg-options randomness.seed=1': (
        'train_cfg.max_epochs=1 mcmi.control=False'
    ),
    'python tools/train.py configs/distill/r56_r20_kd.py': f'--cfg-options {_CIFAR}',
    'python tools/train.py configs/distill/r56_r20_kd.py --cfg-options '
    'teacher_store=True fast=True': _CIFAR,
    'python tools/train.py configs/distill/vgg13_mnv2_dkd.py': (
        f'--cfg-options {_CIFAR}'
    ),
    'python tools/train.py configs/distill/wrn40_2_shuv1_crd.py': (
        f'--cfg-options {_CIFAR}'
    ),
    'python tools/train.py configs/distill/r32x4_shuv2_reviewkd.py': (
        f'--cfg-options {_CIFAR}'
    ),
    'python tools/train.py configs/distill/r56_r20_kd.py --cfg-options mcmi=None': (
        'train_cfg.max_epochs=1 train_dataloader.num_workers=0'
    ),
    'python tools/train.py akamaster_kd.py': f'--cfg-options {_CIFAR}',
    'PYTHONPATH=. python tools/train.py mine.py': f'--cfg-options {_CIFAR}',
}

# Command -> what is run in its place.
INSTEAD = {
    'python tools/study.py configs/study/NAME.py --scale smoke|small|medium|paper': (
        'python tools/study.py configs/study/NAME.py --scale smoke --seeds 1 --arms MLL'
    ),
}

# Command -> the test that runs it already.
ELSEWHERE = {
    'python tools/store_teacher.py configs/distill/r56_r20_kd.py': (
        'tests/stored/test_the_command.py::test_a_whole_job'
    ),
    'python tools/sweep.py configs/mcmi/quickstart_digits.py --trials 12': _OF_SWEEP,
    'python tools/sweep.py CONFIG --trials 12': _OF_SWEEP,
    'python tools/study.py configs/study/forms.py --scale small': (
        'tests/study/test_every_study.py::test_smoke'
    ),
    'python tools/study.py configs/study/side_by_side.py --scale small': (
        'tests/study/test_every_study.py::test_smoke'
    ),
    'python tools/study.py configs/study/people.py --scale medium': (
        'tests/configs/test_medium_data.py::test_people_at_the_medium_scale'
    ),
    'python tools/audit_teacher.py configs/study/_base_/akamaster_r20_mll.py '
    'checkpoints/akamaster/resnet56.pth --cfg-options model.backbone.depth=56': (
        'tests/configs/test_medium_data.py::'
        'test_a_public_teacher_is_audited_against_people'
    ),
    'python tools/audit_teacher.py akamaster_kd.py akamaster20.pth --cfg-options '
    'people_counts=data/cifar10/cifar10h-counts.npy': (
        'tests/audit/test_audit_people.py::test_table_sentence_and_page'
    ),
    'python tools/train.py configs/mcmi/quickstart_digits.py --cfg-options '
    'data_fraction=0.05': (
        'tests/datasets/test_part.py::test_the_real_command_tries_all_stages'
    ),
    'python tools/train.py configs/examples/bring_your_own.py': (
        'tests/tools/test_bring_your_own.py::'
        'test_from_a_torchvision_teacher_to_a_student'
    ),
    'python tools/train.py configs/mcmi/quickstart_digits.py': (
        'tests/tools/test_quickstart.py::test_it_ends_in_a_table_and_a_picture'
    ),
    'PYTHONPATH=. python tools/train.py my_pair.py': (
        'tests/configs/test_any_network.py::test_the_example_of_the_page'
    ),
    'python tools/convert_checkpoint.py tf_efficientnet_lite0.pth lite0_ten.pth '
    '--config teacher.py --classes data/imagenette/train': (
        f'{_JOURNEY}test_it_is_cut_to_the_rows_of_the_folders'
    ),
    'python tools/convert_checkpoint.py efficientnet-lite0-57934424.pth lite0_ten.pth '
    '--config teacher.py --classes data/imagenette/train --from order': (
        f'{_JOURNEY}test_it_is_cut_to_the_rows_of_the_folders'
    ),
    'python tools/audit_teacher.py MY_CLASSIFIER.py work_dirs/MY_CLASSIFIER': (
        'tests/audit/test_audit_run.py::'
        'test_each_epoch_is_audited_and_the_best_are_marked'
    ),
    'python tools/audit_teacher.py teacher.py lite0_ten.pth': (
        f'{_JOURNEY}test_the_audit_measures_timms_network'
    ),
    'python tools/train.py first.py': (
        f'{_JOURNEY}test_a_teacher_a_control_and_a_student'
    ),
    'python tools/train.py second.py': (
        f'{_JOURNEY}test_the_second_student_has_the_first_for_its_teacher'
    ),
    'python tools/export.py work_dirs/second --format onnx': (
        f'{_JOURNEY}test_the_onnx_file_is_the_second_student'
    ),
    'python tools/train.py CONFIG --cfg-options mcmi.form=budget mcmi.eps=0.02': (
        'tests/teacher/test_forms.py::test_a_resumed_fine_tune_is_the_same_bit_by_bit'
    ),
    'python tools/train.py CONFIG --cfg-options mcmi.form=ema mcmi.lmda=0.5': (
        'tests/teacher/test_forms.py::test_a_resumed_fine_tune_is_the_same_bit_by_bit'
    ),
    'python tools/train.py stock.py --cfg-options model.teacher_ckpt=my_resnet50.pth': (
        'tests/teacher/test_stock_configs_with_mcmi.py::'
        'test_stock_config_trains_with_an_mcmi_teacher'
    ),
    'python tools/train.py assistant.py': (
        'tests/teacher/test_assistants.py::'
        'test_the_assistant_is_fine_tuned_and_says_where_it_came_from'
    ),
    'python tools/train.py small.py': (
        'tests/teacher/test_assistants.py::'
        'test_the_assistant_is_fine_tuned_and_says_where_it_came_from'
    ),
    'bash tools/dist_train.sh mine.py 8': (
        'tests/tools/test_processes.py::test_dist_train_runs_the_whole_job'
    ),
    'bash tools/dist_test.sh mine.py work_dirs/mine/epoch_100.pth 8': (
        'tests/tools/test_processes.py::test_dist_train_runs_the_whole_job'
    ),
    'GPUS=16 bash tools/slurm_train.sh PARTITION JOB_NAME mine.py work_dirs/mine': (
        'tests/tools/test_processes.py::test_slurm_train_and_test'
    ),
    'GPUS=8 bash tools/slurm_test.sh PARTITION JOB_NAME mine.py '
    'work_dirs/mine/epoch_100.pth': (
        'tests/tools/test_processes.py::test_slurm_train_and_test'
    ),
}

# Command -> why only `pytest -m slow` runs it.
_TIMES = 'it times: 20 seconds and more, however short'
_LARGE = 'a large network on a CPU; test_composed_runs.py has its method, smaller'
_LONG = 'ten seconds and more of what other tests do in parts'
SLOW = {
    'PYTHONPATH=. python tools/train.py mine.py': _LONG,
    'python tools/train.py configs/mcmi/quickstart_digits.py --work-dir '
    'work_dirs/seed1 --cfg-options randomness.seed=1': _LONG,
    'python tools/report.py work_dirs/quickstart_digits work_dirs/seed1': _LONG,
    'python docs/idea_picture.py': _LONG,
    'python tools/train.py configs/mcmi/quickstart_digits.py --cfg-options '
    'visualizer.vis_backends.0.type=TensorboardVisBackend mcmi.epochs=1 '
    'mcmi.mll_epochs=1 mcmi.control=False train_cfg.max_epochs=2': _LONG,
    'python tools/train.py configs/distill/r56_r20_kd.py --cfg-options '
    'teacher_store=True fast=True': _LONG,
    'python tools/train.py configs/examples/bring_your_own.py --cfg-options '
    'model.teacher_ckpt=None mcmi.mll_epochs=100': _LONG,
    'python tools/train.py configs/distill/r56_r20_kd.py': _LONG,
    'python -m benchmarks': _TIMES,
    'python -m benchmarks centroids crd': _TIMES,
    'python -m benchmarks --markdown': _TIMES,
    'python tools/train.py configs/distill/vgg13_mnv2_dkd.py': _LARGE,
    'python tools/train.py configs/distill/wrn40_2_shuv1_crd.py': _LARGE,
    'python tools/train.py configs/distill/r32x4_shuv2_reviewkd.py': _LARGE,
}

_NEW_ENVIRONMENT = 'CI makes one of its own'
_FROM_A_WHEEL = 'tests/package/test_wheel.py and test_fresh_environment.py do so'
# Command -> why it is not run.
NOT_RUN = {
    'python3 -m venv .venv': _NEW_ENVIRONMENT,
    '. .venv/bin/activate': _NEW_ENVIRONMENT,
    'pip install -e .': 'CI runs it as it stands',
    'pip install dist/mcmi_plugin-0.1.0-py3-none-any.whl': _FROM_A_WHEEL,
    'python -m build': _FROM_A_WHEEL,
    'mcmi-plugin train mcmi_plugin::mcmi/quickstart_digits.py': _FROM_A_WHEEL,
    "pip install -e '.[dev]'": 'CI runs it as it stands',
    "pip install -e '.[export]'": 'would change what the tests run in',
    'bash tools/check.sh': 'this is part of it',
    'python -m benchmarks step --peer DIR': 'DIR is a checkout of other people',
    'bash tools/gpu_check.sh IMAGES WHEELS': 'needs a GPU, images and wheels',
    'NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 bash tools/dist_train.sh mine.py 8': (
        'needs two machines'
    ),
}

# Commands -> words that it must print.
SAYS = {
    'PYTHONPATH=. python tools/train.py mine.py': 'distill.loss_standardised',
    'python tools/train.py CONFIG --cfg-options mcmi.lmda=0.1': 'teacher, MCMI',
    'python tools/convert_checkpoint.py mobilenet_v2.pth my_teacher.pth --config '
    'my_mobilenet.py': 'largest difference',
}
