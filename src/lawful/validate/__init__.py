"""How far a law can be trusted: ``diagnose``, ``identify`` and ``backtest``."""

from lawful.validate.backtest import backtest, backtest_findings
from lawful.validate.conformal import Calibration, conformal
from lawful.validate.cuts import Backtest
from lawful.validate.diagnose import diagnose
from lawful.validate.findings import Diagnosis, Finding, Severity
from lawful.validate.identifiability import identify
from lawful.validate.identified import Identifiability

__all__ = ["Backtest", "Calibration", "Diagnosis", "Finding", "Identifiability", "Severity", "backtest",
           "backtest_findings", "conformal", "diagnose", "identify"]
