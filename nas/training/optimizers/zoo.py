"""Which optimizers does the package pytorch-optimizer bring? It is imported when one of them is asked for."""

from functools import cache

from nas.core.extra import extra
from nas.core.parts import part
from nas.training.optimizers.optimizer import Optimizer, derived

# Of whom a training that was stopped goes on as if it had not been.
_ADMITTED = """
accsgd adabelief adabound adagc adago adahessian adai adalite adamc adamg adamod adamp adams adamuon adamwsn
adan adanorm adapnm adasmooth adatam ademamix adopt aggmo aida alice amos ano apollo apollodqn avagrad bcos came
dadaptadagrad dadaptadam dadaptadan dadaptlion dadaptsgd dash diffgrad dualadam emofact emolynx emonavi exadam
fadam fira flashadamw focus fromage ftrl galore grams gravity grokfastadamw kate lamb laprop lars lion lorarite
madgrad mars msvag muon muonclip nero normuon novograd padam pid pnm prodigy qhadam qhm racs ranger ranger21
rose sara schedulefreeadamw schedulefreeradam schedulefreesgd scion scionlight sgdp sgdsai sgdw shampoo signsgd
simplifiedademamix sm3 soap sophiah spam splus srmm stableadamw stablespam swats tam tiger vsgd yogi
"""
ADMITTED = tuple(_ADMITTED.split())
# What cannot be used here, and why.
REFUSED = {
    "a2grad": "it has no learning rate that a policy could set",
    "adalomo": "it takes the network itself, and steps in the midst of its backward pass",
    "adammini": "it takes the network itself",
    "adashift": "its state holds a queue, of which its load_state_dict loses the length",
    "alig": "it has no learning rate that a policy could set",
    "bsam": "its step fails on weights of several shapes",
    "conda": "its state holds an object of its own",
    "demo": "it trains in several processes",
    "distributedmuon": "it trains in several processes",
    "kron": "it goes on otherwise when it was stopped: it draws by chance outside of its state",
    "lomo": "it takes the network itself, and steps in the midst of its backward pass",
    "magma": "it takes another optimizer",
    "scalableshampoo": "its state holds objects of its own",
    "spectralsphere": "it takes matrices only",
}
_HESSIAN = ("adahessian", "sophiah")
_CONTIGUOUS = ("adamp", "adamuon", "nero", "sgdp", "swats")
_GROUPED = ("adago", "adamuon", "muon", "muonclip", "normuon")


@cache
def of_zoo(name: str) -> type[Optimizer]:
    """Return the part of the admitted optimizer of this name. Raises UserError where the package is not there."""
    constructor = extra("pytorch_optimizer", "zoo").load_optimizer(name)
    facts = {"create_graph": name in _HESSIAN, "contiguous": name in _CONTIGUOUS, "grouped": name in _GROUPED}
    return part("optimizer", name)(derived(constructor, __name__, **facts))
