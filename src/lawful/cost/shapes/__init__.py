"""Shapes of models: from a configuration to parameters by group, FLOP by named convention, and memory."""

from lawful.cost.shapes.configs import model_types, read_config
from lawful.cost.shapes.counts import Count
from lawful.cost.shapes.family import Family, Sized
from lawful.cost.shapes.flops import CONVENTIONS, Flops, flops
from lawful.cost.shapes.memory import Memory, Sharding, serve_memory, train_memory
from lawful.cost.shapes.models import model, models
from lawful.cost.shapes.shape import Params, Shape, Tower

__all__ = ["CONVENTIONS", "Count", "Family", "Flops", "Memory", "Params", "Shape", "Sharding", "Sized", "Tower",
           "flops", "model", "model_types", "models", "read_config", "serve_memory", "train_memory"]
