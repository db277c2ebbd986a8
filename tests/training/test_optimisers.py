import pytest
import torch

from gyrus.config.optimising import OptimisationOptions
from gyrus.errors import UsageError
from gyrus.training.optimisers import clip_gradients, make_optimizer

THEIRS = {
    "adamw": (torch.optim.AdamW, {}),
    "adam": (torch.optim.Adam, {}),
    "sgd": (torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {"momentum": 0.8}),
}


@pytest.mark.parametrize("name", THEIRS)
def test_each_steps_as_torchs_plain_one(name):
    start = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    options = OptimisationOptions(optimizer=name, momentum=0.8, weight_decay=0.1)
    kind, more = THEIRS[name]
    pair = (
        (ours, make_optimizer([{"params": [ours], "lr": 0.02}], options)),
        (theirs, kind([theirs], lr=0.02, weight_decay=0.1, foreach=False, **more)),
    )
    for step in range(6):
        for parameter, optimizer in pair:
            parameter.grad = (parameter.detach() * 2 + step).cos()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_plain_momentum_and_no_momentum():
    parameter = torch.nn.Parameter(torch.zeros(2))
    groups = [{"params": [parameter], "lr": 0.02}]
    plain = make_optimizer(groups, OptimisationOptions(optimizer="sgd", nesterov=False))
    assert (plain.defaults["momentum"], plain.defaults["nesterov"]) == (0.9, False)
    none = make_optimizer(groups, OptimisationOptions(optimizer="sgd", nesterov=False, momentum=0.0))
    assert none.defaults["momentum"] == 0.0


def test_groups_keep_their_rate_and_biases_and_norms_are_spared():
    trunk = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    head = torch.nn.Linear(2, 2)
    trunk[0].weight.requires_grad_(False)
    groups = [
        {"params": trunk.parameters(), "lr": 0.1},
        {"params": [], "lr": 7.0},
        {"params": head.parameters(), "lr": 0.2},
    ]
    made = make_optimizer(groups, OptimisationOptions(weight_decay=0.3)).param_groups
    assert [(group["lr"], group["weight_decay"], len(group["params"])) for group in made] == [
        (0.1, 0.0, 3),
        (0.2, 0.3, 1),
        (0.2, 0.0, 1),
    ]
    assert made[1]["params"][0] is head.weight


def test_nothing_to_train_is_refused():
    with pytest.raises(UsageError, match="no weight is left to train"):
        make_optimizer([{"params": [], "lr": 0.1}], OptimisationOptions())


def test_the_gradient_is_shortened_over_all_weights_together():
    one, two = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    groups = [
        {"params": [one], "lr": 0.1},
        {"params": [two], "lr": 0.1},
    ]
    made = make_optimizer(groups, OptimisationOptions())
    one.grad, two.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert clip_gradients(made, 0.0) is None
    assert clip_gradients(made, 10.0).item() == pytest.approx(5.0)
    assert one.grad.tolist() == [3.0, 0.0]
    assert clip_gradients(made, 1.0).item() == pytest.approx(5.0)
    assert one.grad.tolist() == pytest.approx([0.6, 0.0], rel=1e-5)
    assert two.grad.tolist() == pytest.approx([0.0, 0.8], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "scratch", "given", "decay"),
    [
        ("adamw", 1e-3, 5e-4, 0.01),
        ("adam", 1e-3, 5e-4, 0.0),
        ("sgd", 0.05, 0.01, 5e-4),
        ("rmsprop", 5e-4, 1e-4, 0.0),
    ],
)
def test_starting_points(name, scratch, given, decay):
    options = OptimisationOptions(optimizer=name)
    assert options.peak_rate(from_weights=False) == scratch
    assert options.peak_rate(from_weights=True) == given
    assert options.decay == decay
    asked = OptimisationOptions(optimizer=name, learning_rate=0.3, weight_decay=0.2)
    assert (asked.peak_rate(from_weights=True), asked.decay) == (0.3, 0.2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": -0.1}, "learning_rate is -0.1; expected a number above 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"find_rate": True, "learning_rate": 0.1}, "exclude each other"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"optimizer": "sgd", "momentum": 0.0}, "--no-nesterov"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"ema": -0.1}, "ema is -0.1"),
        ({"clip_norm": -1.0}, "clip_norm is -1.0"),
        ({"plateau_patience": -1}, "plateau_patience is -1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"warmup_epochs": float("nan")}, "warmup_epochs is nan"),
    ],
)
def test_options_that_mean_nothing(options, words):
    with pytest.raises(UsageError, match=words):
        OptimisationOptions(**options)
