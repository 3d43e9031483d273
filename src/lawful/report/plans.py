"""Plans as Markdown, for a pull request: a compact table, what it rests on, and what to beware of.

From the plain data of ``lawful plan --json`` and ``lawful plan diff --json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lawful.report.words import DASH, is_number, outcome, size, within


def plan_markdown(data: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """A plan, or a frontier of plans, as Markdown; ``units`` are those of its costs, by name."""
    if "plans" in data:
        return _frontier(data)
    answer = data["forecast"]
    level = f"{100 * answer['level']:g} % interval"
    spans = data.get("intervals", {})
    rows = [[name, _figure(name, value), within(spans.get(name)) if name in spans else DASH]
            for name, value in data["decision"].items()]
    if answer["output"] not in data["decision"]:
        ends = within(answer, outcome) if answer.get("low") is not None else DASH
        rows.append([answer["output"], outcome(answer["value"]), ends])
    costs = {**data["cost"], **{k: v for k, v in data.get("metrics", {}).items() if k in units}}
    rows += [[f"{name} [{units[name]}]", size(value), within(spans.get(name)) if name in spans else DASH]
             for name, value in costs.items() if value and name in units]
    parts = [f"**{data['answer']}**", _table([["", "plan", level], *rows])]
    if data.get("binding"):
        parts.append(f"Binds: {', '.join(data['binding'])}.")
    parts += [*_policies(data), *_details(data)]
    if data.get("hash"):
        parts.append(f"Plan `{data['hash'][:12]}`, law: {data['law']}.")
    return "\n\n".join(parts)


def diff_markdown(data: Mapping[str, Any]) -> str:
    """Two plans side by side as Markdown."""
    a, b = data["a"]["source"], data["b"]["source"]
    overlap = {True: "yes", False: "no", None: DASH}
    rows = [[_label(c), _side(c, "a"), _side(c, "b"), c["shift"] or DASH, overlap[c["overlap"]]]
            for c in data["changes"]]
    parts = [f"**{data['answer']}**", _table([["", a, b, "change", "intervals overlap"], *rows])]
    if data.get("paired"):
        paired = data["paired"]
        parts.append(f"Paired over the draws of the fit both rest on, the outcome changes by {paired['value']:+.4f} "
                     f"({paired['low']:+.4f} to {paired['high']:+.4f}, {100 * data['level']:g} %).")
    parts += [_block(f"Only {name} rests on", data[key]) for name, key in ((a, "only_a"), (b, "only_b")) if data[key]]
    if data["warnings"]:
        parts.append(_block("Beware", [w["message"] for w in data["warnings"]]))
    hashes = [f"{data[s]['source']} `{data[s]['hash'][:12]}`" for s in ("a", "b") if data[s]["hash"]]
    return "\n\n".join([*parts, *([f"Plans: {', '.join(hashes)}."] if hashes else [])])


def _frontier(data: Mapping[str, Any]) -> str:
    goals, plans = data["objectives"], data["plans"]
    decided = [name for name in plans[0]["decision"] if name not in goals
               and len({plan["decision"][name] for plan in plans}) > 1]
    rows = [[str(n), *(size(plan["metrics"].get(g)) for g in goals), *(size(plan["decision"][d]) for d in decided)]
            for n, plan in enumerate(plans, start=1)]
    parts = [f"**{len(plans)} plans, none better than another in {' and '.join(goals)}**",
             _table([["plan", *goals, *decided], *rows]), *_policies(data), *_details(plans[0])]
    return "\n\n".join([*parts, *([f"Frontier `{data['hash'][:12]}`."] if data.get("hash") else [])])


def _policies(data: Mapping[str, Any]) -> list[str]:
    judged = data.get("policies", [])
    return [_block("Policies", [("**broken:** " if v["broken"] else "kept: ") + v["sentence"] for v in judged])
            ] if judged else []


def _details(data: Mapping[str, Any]) -> list[str]:
    found = [_block("Rests on", data["assumptions"])] if data.get("assumptions") else []
    if data.get("warnings"):
        found.append(_block("Beware", [w["message"] for w in data["warnings"]]))
    return found


def _block(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{title}:", "", *(f"- {line}" for line in lines)])


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def _figure(name: str, value: object) -> str:
    return outcome(value) if name == "loss" else size(value)


def _label(change: Mapping[str, Any]) -> str:
    unit = change["unit"] if change["kind"] == "cost" else ""
    return f"{change['name']} [{unit}]" if unit else str(change["name"])


def _side(change: Mapping[str, Any], side: str) -> str:
    found = change[side]
    if found is None:
        return DASH
    show = outcome if change["kind"] == "outcome" else size
    ends = f" ({within(found, show)})" if is_number(found["low"]) and is_number(found["high"]) else ""
    return show(found["value"]) + ends
