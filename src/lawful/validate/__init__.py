"""How far a law can be trusted: ``diagnose`` and ``backtest``."""

from lawful.validate.backtest import backtest, backtest_findings
from lawful.validate.cuts import Backtest
from lawful.validate.diagnose import diagnose
from lawful.validate.findings import Diagnosis, Finding, Severity

__all__ = ["Backtest", "Diagnosis", "Finding", "Severity", "backtest", "backtest_findings", "diagnose"]
