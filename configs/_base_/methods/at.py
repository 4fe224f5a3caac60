# AT, attention transfer (Zagoruyko and Komodakis, 2016): gamma = 1000.
method = dict(
    name='AT',
    losses={'loss_at_{stage}': dict(type='PooledATLoss', loss_weight=1000.0)},
    inputs={
        'loss_at_{stage}': dict(
            s_feature='student.stages.{stage}', t_feature='teacher.stages.{stage}')
    })
