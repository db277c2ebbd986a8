import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gyrus.training.ema import Ema


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def step(net, number):
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    images = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(number))
    net.zero_grad()
    net(images).square().sum().backward()
    optimizer.step()


def test_the_average_in_closed_form():
    net = nn.Linear(1, 1, bias=False)
    net.weight.data.fill_(0.0)
    ema = Ema(net, 0.5)
    for value in (1.0, 2.0, 3.0):
        net.weight.data.fill_(value)
        ema.update(net)
    expected = 0.0
    for number, value in enumerate((1.0, 2.0, 3.0), start=1):
        decay = min(0.5, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * value
    assert ema.weights()["weight"].item() == pytest.approx(expected)


def test_after_its_start_it_is_torchs_averaged_model():
    net = network()
    ema = Ema(net, 0.1)  # below the first (1 + n) / (10 + n)
    theirs = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.1), use_buffers=True)
    theirs.update_parameters(net)  # its first call copies
    for number in range(5):
        step(net, number)
        ema.update(net)
        theirs.update_parameters(net)
    for name, tensor in theirs.module.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(ema.weights()[name], tensor)
    assert ema.weights()["1.num_batches_tracked"].item() == 5


def test_weights_that_do_not_move_stay_bit_for_bit():
    net = network()
    ema = Ema(net, 0.99)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    for _ in range(20):
        ema.update(net)
    assert all(torch.equal(before[name], tensor) for name, tensor in ema.weights().items())


def test_it_is_put_in_and_taken_out_again():
    net = network()
    ema = Ema(net, 0.9)
    step(net, 0)
    ema.update(net)
    live = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    ema.swap_in(net)
    ema.swap_in(net)  # twice is once
    assert ema.swapped
    assert all(torch.equal(ema.weights()[name], tensor) for name, tensor in net.state_dict().items())
    assert all(torch.equal(live[name], tensor) for name, tensor in ema.live(net).items())
    ema.swap_out(net)
    assert not ema.swapped
    assert all(torch.equal(live[name], tensor) for name, tensor in net.state_dict().items())
    assert not torch.equal(ema.weights()["0.weight"], live["0.weight"])


def test_a_resumed_average_goes_on_bit_for_bit(tmp_path):
    def train(net, ema, numbers):
        for number in numbers:
            step(net, number)
            ema.update(net)

    whole = network()
    average = Ema(whole, 0.9)
    train(whole, average, range(6))
    half = network()
    kept = Ema(half, 0.9)
    train(half, kept, range(3))
    torch.save([half.state_dict(), kept.state_dict()], tmp_path / "state")
    resumed = network()
    again = Ema(resumed, 0.9)
    weights, state = torch.load(tmp_path / "state", weights_only=True)
    resumed.load_state_dict(weights)
    again.load_state_dict(state)
    train(resumed, again, range(3, 6))
    assert again.steps == 6
    assert all(torch.equal(tensor, again.weights()[name]) for name, tensor in average.weights().items())
