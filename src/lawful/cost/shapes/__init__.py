"""Shapes of models: from a configuration to parameters by group, and to FLOP by named convention."""

from lawful.cost.shapes.configs import model_types, read_config
from lawful.cost.shapes.flops import CONVENTIONS, Flops, flops
from lawful.cost.shapes.models import model, models
from lawful.cost.shapes.shape import Params, Shape, Tower

__all__ = ["CONVENTIONS", "Flops", "Params", "Shape", "Tower", "flops", "model", "model_types", "models", "read_config"]
