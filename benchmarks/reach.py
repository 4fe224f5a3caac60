"""The ratios to reach: 2 CPU cores, one thread; the GPU's on one GPU."""

# Name of a contest or figure -> the largest value that is good.
REACH = {
    'tiny': 1.15,
    'long-run': 1.05,
    'long-run checkpoint': 1.01,  # ratio of sizes; numbers of more digits
    'pipeline': 0.075,
    'step': 0.75,
    'step (RepDistiller)': 0.67,
    'finetune': 1.02,
    'centroids': 0.1,
    'centroids memory': 50,  # MB
    'crd': 0.1,
    'crd (ImageNet)': 1.05,  # gathering where it is faster: ours is as fast
    'validation': 0.3,
    'startup': 1.5,
    'stored r56_r20': 0.55,
    'stored wrn40_2_shuv1': 0.35,
    'stored r32x4_shuv1': 0.2,
    'stored r50_mnv2': 0.1,
    'stored first student': 0.53,  # share of the teacher's passes that are made
    'gpu R34-R18': 1 / 0.95,
    'gpu R56-R20': 1 / 0.95,
    'gpu R32x4-ShuV1': 1 / 0.95,
    'gpu R56-R20 (MMRazor)': 1 / 4,
}
