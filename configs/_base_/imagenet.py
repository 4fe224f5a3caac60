# ImageNet in data/imagenet ({train,val}/CLASS/*.JPEG) and the students' schedule
# of A.8.2: PyTorch's recipe and ten more epochs, batch 256. On several GPUs set
# train_dataloader.batch_size to 256 / GPUs; any other total scales the rate.
_base_ = [
    'mmpretrain::_base_/datasets/imagenet_bs32.py',
    'mmpretrain::_base_/schedules/imagenet_bs256.py',
    'mmpretrain::_base_/default_runtime.py',
]

# A distiller builds its preprocessor by type; a classifier would have known it.
data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor')
train_dataloader = dict(batch_size=256, num_workers=8)
val_dataloader = dict(batch_size=256, num_workers=8)
test_dataloader = dict(batch_size=256, num_workers=8)
auto_scale_lr = dict(base_batch_size=256, enable=True)
val_cfg = dict(type='mmrazor.SingleTeacherDistillValLoop')
default_hooks = dict(checkpoint=dict(max_keep_ckpts=3))
