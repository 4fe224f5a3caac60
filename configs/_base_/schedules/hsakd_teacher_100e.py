# HSAKD's first stage with a frozen network: its auxiliary classifiers alone are
# trained, for 100 epochs. (The other stage of HSAKD's code trains the network
# along for 240 epochs: that would be another teacher than that of other methods.)
_base_ = './cifar_240e.py'

param_scheduler = dict(milestones=[30, 60, 90])
train_cfg = dict(max_epochs=100)
