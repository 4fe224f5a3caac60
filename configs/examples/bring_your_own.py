# Your torchvision teacher, your folder of images, a student of mmpretrain, and DKD.
#
#   python tools/train.py configs/examples/bring_your_own.py
#
# The teacher: torch.save(model.state_dict(), 'my_teacher.pth') of a torchvision
# resnet34 with as many classes. The images: data/my_images/{train,val}/CLASS/*.jpg.
_base_ = ['../_base_/image_folder.py', '../_base_/methods/dkd.py']

from mcmi_plugin.distill import compose

pair = dict(
    teacher='mmpretrain::_base_/models/resnet34.py',
    teacher_ckpt='my_teacher.pth',
    student='mmpretrain::_base_/models/mobilenet_v2_1x.py',
    num_classes=4,  # folders in data/my_images/train
    dkd_beta=2.0)  # 1 to 8: the surer the teacher, the higher
model = compose(pair, _base_.method)
mcmi = dict(lmda=0.1, teacher_config='mmpretrain::resnet/resnet34_8xb32_in1k.py')

folder = dict(dataset=dict(data_root='data/my_images'))
train_dataloader = val_dataloader = test_dataloader = folder
train_cfg = dict(max_epochs=100)
