# Figs. 3 and 10-13: Eigen-CAM of the MLL and the MCMI teacher on the same images.
#
#   python tools/study.py configs/study/fig3_eigen_cam.py --scale small
#
# Needs the package grad-cam. Only teachers are looked at, so no student is trained.
# Fig. 3 shows 4 images of one class, Figs. 10-13 24 of each of four:
# --cfg-options eigen_cam.num_images=24.

from mcmi_study.shorthand import CIFAR10, TEACHERS_ONLY

study = dict(
    exhibit='Figs. 3, 10-13',
    title='Eigen-CAM of teachers',
    scales=dict(
        smoke=dict(
            config='_base_/digits_kd.py',
            seeds=1,
            options={
                **TEACHERS_ONLY,
                'mcmi.mll_epochs': 1,
                'mcmi.epochs': 1,
                'eigen_cam.target_layer': 'backbone.layer2',
                'eigen_cam.classes': [3],
                'eigen_cam.num_images': 4,
            }),
        small=dict(
            config='_base_/digits_kd.py',
            seeds=1,
            options={
                **TEACHERS_ONLY,
                # 4 x 4 of the image's 8 x 8 pixels; the last layer's is a single one.
                'eigen_cam.target_layer': 'backbone.layer2',
                'eigen_cam.classes': [3, 8],
                'eigen_cam.num_images': 8,
            }),
        medium=dict(
            seeds=1,
            options={
                **CIFAR10,
                **TEACHERS_ONLY,
                'eigen_cam.target_layer': 'backbone.layer3',
                'eigen_cam.classes': [3, 5],  # cat, dog
                'eigen_cam.num_images': 8,
            }),
        paper=dict(
            seeds=1,
            options={
                **TEACHERS_ONLY,
                'pair': 'r34_r18_imagenet',
                'method': 'kd',
                'eigen_cam.target_layer': 'backbone.layer4',
                # goldfish, bee eater, toy terrier, mountain tent
                'eigen_cam.classes': [1, 92, 158, 970],
                'eigen_cam.num_images': 8,
            })),
    measures=['teacher_accuracy', 'teacher_cmi', 'teacher_ll', 'eigen_cam'],
    figures=[
        dict(
            type='eigen_cam',
            arms=['MLL', 'lambda = 0', 'MCMI'],
            title='Figs. 3, 10-13'),
    ],
    note='a picture of a few images shows no difference in general; compare MCMI with '
    'lambda = 0, which is as far from MLL by chance')
