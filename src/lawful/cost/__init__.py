"""What training costs: devices and their prices, budgets in any currency, and the bill for a run."""

from lawful.cost.budget import DEFAULT_MFU, DEFAULT_PUE, WORLD_GRID_KG_PER_KWH, Budget
from lawful.cost.hardware import Hardware, Source, all_hardware, hardware
from lawful.cost.ranges import Bill, Range, train_bill
from lawful.cost.serving import Efficiency, Serving, serve
from lawful.cost.training import Cost, train_cost

__all__ = [
    "DEFAULT_MFU",
    "DEFAULT_PUE",
    "WORLD_GRID_KG_PER_KWH",
    "Bill",
    "Budget",
    "Cost",
    "Efficiency",
    "Hardware",
    "Range",
    "Serving",
    "Source",
    "all_hardware",
    "hardware",
    "serve",
    "train_bill",
    "train_cost",
]
