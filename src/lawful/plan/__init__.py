"""Decisions under a budget: ``plan(law, budget) -> Plan``, ``analyse(runs) -> Analysis``."""

from lawful.plan.analysis import Analysis, analyse
from lawful.plan.optimum import Plan, plan

__all__ = ["Analysis", "Plan", "analyse", "plan"]
