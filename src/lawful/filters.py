"""Row filters: ``outlier == 0 and corpus in ("c4", "rpj")``, read by a small safe parser.

Comparisons, ``and``, ``or``, ``not`` and ``in`` over column names, numbers and strings; a column whose
name is no identifier goes in backticks, a list stands after ``in``. Nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lawful.errors import RunsError, unknown

Mask = npt.NDArray[np.bool_]

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: np.isin(a, list(b)),
    ast.NotIn: lambda a, b: ~np.isin(a, list(b)),
}


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`([^`]+)`""")  # strings too: their backticks are text


def select(expression: str, columns: Mapping[str, npt.NDArray[Any]], rows: int) -> Mask:
    """The rows, a mask of shape ``(rows,)``, for which ``expression`` holds.

    ``columns`` are arrays of float64 or of strings. Raises ``RunsError`` for anything outside the
    small language and ``UnknownName`` for a column that is not there.
    """
    quoted: dict[str, str] = {}

    def name_quoted(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        quoted[f"_column{len(quoted)}"] = match[1]
        return f"_column{len(quoted) - 1}"

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name):
                column = quoted.get(name, name)
                if column not in columns:
                    raise unknown("column", column, columns, where=f"in --where {expression!r}")
                return columns[column]
            case ast.Constant(value=str() as text):
                return text
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -float(number)
        raise _refuse(expression, f"{ast.unparse(node)!r} is not a column, a number or a string")

    def choices(node: ast.expr) -> tuple[Any, ...]:
        if not isinstance(node, ast.Tuple | ast.List | ast.Set) or any(isinstance(x, ast.Name) for x in node.elts):
            raise _refuse(expression, "'in' takes a list of numbers or strings, for example corpus in ('c4', 'rpj')")
        return tuple(value(item) for item in node.elts)

    def truth(node: ast.expr) -> Mask:
        match node:
            case ast.BoolOp(op=op, values=parts):
                masks = [truth(part) for part in parts]
                joined: Mask = (np.logical_and if isinstance(op, ast.And) else np.logical_or).reduce(masks)
                return joined
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return ~truth(inner)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                mask = np.ones(rows, dtype=bool)
                for compare, a, b in zip(ops, [left, *rest[:-1]], rest, strict=True):
                    if type(compare) not in _COMPARE:
                        raise _refuse(expression, "'is' is not a comparison here")
                    right = choices(b) if isinstance(compare, ast.In | ast.NotIn) else value(b)
                    mask &= _compare(type(compare), value(a), right, expression)
                return mask
        raise _refuse(expression, f"{ast.unparse(node)!r} is not a comparison")

    try:
        return truth(ast.parse(_QUOTED.sub(name_quoted, expression.strip()), mode="eval").body)
    except SyntaxError as error:
        raise _refuse(expression, f"cannot be read near character {error.offset}") from None
    except UnicodeEncodeError:
        raise _refuse(expression, "is not text") from None
    except (RecursionError, MemoryError):
        raise _refuse(expression, "is nested too deeply") from None
    except OverflowError:
        raise _refuse(expression, "holds a number that is too large") from None


def _compare(op: type[ast.cmpop], left: Any, right: Any, expression: str) -> Mask | bool:
    kinds = {_is_text(side) for side in (left, *(right if isinstance(right, tuple) else (right,)))}
    if len(kinds) > 1:
        raise _refuse(expression, "compares text with a number")
    holds: Mask | bool = _COMPARE[op](left, right)
    return holds


def _is_text(side: Any) -> bool:
    return isinstance(side, str) or (isinstance(side, np.ndarray) and side.dtype.kind in "US")


def _refuse(expression: str, why: str) -> RunsError:
    return RunsError(
        f"--where {expression[:200]!r}: {why}; write for example \"outlier == 0 and corpus in ('c4', 'rpj')\""
    )
