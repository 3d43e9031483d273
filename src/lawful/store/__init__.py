"""The only code that opens files."""

from lawful.store.code import load_class
from lawful.store.columns import to_text, write_columns
from lawful.store.files import check_writable, read_json, read_toml, to_json, write_bytes, write_text
from lawful.store.packaged import packaged_sweep, packaged_tuning
from lawful.store.tables import read_runs

__all__ = ["check_writable", "load_class", "packaged_sweep", "packaged_tuning", "read_json", "read_runs", "read_toml",
           "to_json", "to_text", "write_bytes", "write_columns", "write_text"]
