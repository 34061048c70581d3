# PyYAML's types are half unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""YAML as a catalog is written in it: JSON's values, exact numbers, and nothing that is taken for something else.

YAML 1.1 reads `no` as false, `1:30` as 90 and `2024-01-01` as a date. Here those are texts, as in YAML 1.2. What is
written is quoted so that a reader of either version understands the same.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import yaml

from kelviq_server.pricing_as_code.errors import CatalogMistakes, Mistake

_STR, _INT, _NUMBER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_INTEGERS = re.compile(r"[-+]?[0-9]+$")
_DECIMALS = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_DIGITS = list("-+0123456789.")
# Longer mappings of plain values get a line for each key.
_ONE_LINE = 90
# Beyond that, a number is written with an exponent.
_MAX_DIGITS = 60
_PATH = Sequence[str | int]


class _Reader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012


class _Writer(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        """Indent lists within what they belong to."""
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write what occurs twice twice."""
        return True


def read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """Return the value of a document, and its tree, which knows the lines.

    Raises CatalogMistakes where it is not YAML, or names a key twice.
    """
    try:
        loader = _Reader(text)
        node = loader.get_single_node()
        return (None, None) if node is None else (loader.construct_document(node), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise CatalogMistakes([Mistake(mark.line + 1 if mark else 0, "", error.problem or "not YAML")]) from None
    except (yaml.YAMLError, RecursionError, ArithmeticError) as error:
        raise CatalogMistakes([Mistake(0, "", f"not YAML: {str(error).splitlines()[0]}")]) from None


def line_of(node: yaml.Node | None, path: _PATH) -> int:
    """Return the line of the deepest part of a path that is there, from 1; 0 without a tree."""
    if node is None:
        return 0
    line = _line(node)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == step]
            if not pairs:
                break
            line, node = _line(pairs[-1][0]), pairs[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = _line(node)
        else:
            break
    return line


def _line(node: Any) -> int:
    return node.start_mark.line + 1


def write_yaml(sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the sections as a document, an empty line before each of their entries but the first."""
    written: list[str] = []
    for name, entries in sections.items():
        parts = [_dump({name: [_Entry(entry)]}).split("\n", 1)[1] for entry in entries]
        written.append(f"{name}:\n" + "\n".join(parts))
    return "\n".join(written)


def number_text(number: Decimal) -> str:
    """Return a number as people write it, without zeros at its end."""
    if abs(number.adjusted()) > _MAX_DIGITS:
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").removesuffix(".") if "." in text else text


class _Entry(dict[str, Any]):
    """What a section lists; always one line a key."""


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=1000)


def _mapping(reader: _Reader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=key.start_mark)
        if key.value in seen:
            problem = f"the key {key.value} appears more than once"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        seen.add(key.value)
    # What is merged in comes first, so that the mapping's own keys hold.
    reader.flatten_mapping(node)
    return {str(key.value): reader.construct_object(value, deep=True) for key, value in node.value}


def _sequence(reader: _Reader, node: yaml.SequenceNode) -> list[Any]:
    return [reader.construct_object(part, deep=True) for part in node.value]


def _number(reader: _Reader, node: yaml.ScalarNode) -> int | Decimal:
    return int(node.value) if _INTEGERS.match(node.value) else Decimal(node.value)


def _write_text(writer: _Writer, text: str) -> yaml.Node:
    # A block that ends in empty lines would end the document, too.
    ends_open = text.endswith("\n\n") or text == "\n"
    if all(line.isprintable() for line in text.split("\n")) and not ends_open:
        return writer.represent_scalar(_STR, text, style="|" if "\n" in text else None)
    # Escaped: some of these are line breaks to YAML, and would come back as others.
    return writer.represent_scalar(_STR, text, style='"')


def _write_decimal(writer: _Writer, number: Decimal) -> yaml.Node:
    text = number_text(number)
    return writer.represent_scalar(_INT if _INTEGERS.match(text) else _NUMBER, text)


def _write_list(writer: _Writer, values: Sequence[Any]) -> yaml.Node:
    return _shortened(writer.represent_sequence("tag:yaml.org,2002:seq", values))


def _write_mapping(writer: _Writer, values: Mapping[str, Any]) -> yaml.Node:
    return _shortened(writer.represent_mapping("tag:yaml.org,2002:map", values.items()))


def _write_entry(writer: _Writer, entry: _Entry) -> yaml.Node:
    return writer.represent_mapping("tag:yaml.org,2002:map", entry.items(), flow_style=False)


def _shortened(node: Any) -> yaml.Node:
    """Put what has plain values only, and few, on one line."""
    parts = [part for each in node.value for part in (each if isinstance(each, tuple) else (each,))]
    length = sum(len(part.value) + 2 for part in parts if isinstance(part, yaml.ScalarNode))
    is_plain = all(isinstance(part, yaml.ScalarNode) and part.style != "|" for part in parts)
    node.flow_style = not parts or (is_plain and length <= _ONE_LINE)
    return node


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", re.compile(r"(~|null)?$"), ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), ["t", "f"]),
    (_INT, _INTEGERS, _DIGITS),
    (_NUMBER, _DECIMALS, _DIGITS),
    ("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"]),
):
    _Reader.add_implicit_resolver(_tag, _pattern, _first)
# A text that only this reader would take for a number is quoted too.
_Writer.add_implicit_resolver(_INT, _INTEGERS, _DIGITS)
_Writer.add_implicit_resolver(_NUMBER, _DECIMALS, _DIGITS)
_Reader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Reader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Reader.add_constructor(_INT, _number)
_Reader.add_constructor(_NUMBER, _number)
_Writer.add_representer(str, _write_text)
_Writer.add_representer(Decimal, _write_decimal)
_Writer.add_representer(list, _write_list)
_Writer.add_representer(tuple, _write_list)
_Writer.add_representer(dict, _write_mapping)
_Writer.add_representer(_Entry, _write_entry)
