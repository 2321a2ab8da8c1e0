"""How often a training evaluates its validation words."""

from tests.helpers.training import history, train


def test_validation_now_and_then(tiny, experiment, eagerly, recwarn):
    stopping = {"early_stopping": {"enabled": True}, "validation": {"every_epochs": 2, "max_words": 3}}
    assert train(tiny(train={"num_epochs": 3}, callbacks=stopping)) == 0
    assert ["val_cer" in row for row in history(experiment)] == [False, True, True]
    assert not [warning for warning in recwarn if "conditioned on" in str(warning.message)]
