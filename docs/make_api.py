"""Writes docs/api/*.md from the docstrings: `python docs/make_api.py`.

Sources are read, not imported, so the text is the same with every version of Python.
"""

import logging
import re
import sys
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "api"
# File name -> title, and the modules whose public names it shows.
PAGES = {
    "processors": (
        "Processors",
        "processors.harmonic processors.filtered_noise processors.sinusoidal processors.wavetable "
        "processors.reverb processors.exp_decay_reverb processors.filtered_noise_reverb "
        "processors.fir_filter processors.mod_delay processors.add processors.mix processors.crop "
        "processors.group processors.base",
    ),
    "models": (
        "Models",
        "models.autoencoder models.rnn_decoder models.min_gru_decoder models.dilated_conv_decoder "
        "models.mfcc_rnn_encoder models.decoder model_files",
    ),
    "losses": ("Loss and metrics", "losses.spectral metrics"),
    "features": (
        "Features",
        "features.extractor features.swift_f0 features.crepe_tracker features.yin_tracker "
        "features.pitch features.pitch_range features.refinement "
        "features.loudness features.graph_loudness features.feature_files features.transfer",
    ),
    "data": (
        "Recordings and datasets",
        "data.audio_files recordings data.preparation data.rules data.beam data.manifest "
        "data.pipeline data.varispeed",
    ),
    "training": (
        "Configuration and training",
        "configuration training.settings chain training.run training.run_directory "
        "training.trainer",
    ),
    "playing": ("Playing a model", "instruments synthesis playing"),
    "evaluation": ("Evaluation", "evaluation.evaluator evaluation.report evaluation.figures"),
    "export": ("Export", "export.exporter export.description export.player"),
    "signals": (
        "Signals and units",
        "units dsp.framing dsp.oscillators dsp.partials dsp.noise_filter dsp.convolution "
        "dsp.frequency_response dsp.impulse_responses dsp.delay dsp.wavetable dsp.frequency_scales "
        "dsp.spectral dsp.mfcc dsp.fusion",
    ),
    "notebook": (
        "Notebooks",
        "notebook.choices notebook.runtime notebook.device notebook.progress notebook.showing "
        "notebook.live_training notebook.microphone",
    ),
    "errors": ("Errors", "errors"),
}
# Every layer has these, and they say the same everywhere.
PLUMBING = ("build", "call", "from_config", "get_config")
SECTIONS = {
    "parameters": "Arguments",
    "attributes": "Attributes",
    "returns": "Returns",
    "yields": "Yields",
    "raises": "Raises",
}
ITEM = re.compile(r"^(\*{0,2}[\w.]+): ")


def load_package(source=ROOT):
    """Reads the package's sources."""
    # Arguments without a type are no mistake here: layers take whatever Keras calls a tensor.
    logging.getLogger("griffe").setLevel(logging.ERROR)
    return griffe.load("ddsp_tf", search_paths=[str(source)], docstring_parser="google")


def make_pages(source=ROOT) -> dict[str, str]:
    """Gives the text of every page by file name."""
    package = load_package(source)
    short = short_names(source)
    pages, index, shown = {}, [], set()
    for name, (title, modules) in PAGES.items():
        parts, rows = [], []
        for module in modules.split():
            for item in public_members(package[module]):
                where = shortest_name(package, short, module, item.name)
                shown.add(item.name)
                parts.append(describe(item, where))
                summary = item.docstring.value.partition("\n")[0]
                rows.append(f"| [`{item.name}`]({name}.md#{item.name.lower()}) | {summary} |")
        pages[f"{name}.md"] = "\n".join([f"# {title}\n", "[All pages](README.md)\n", *parts])
        index += [f"## [{title}]({name}.md)\n", "| name | what |", "| --- | --- |", *rows, ""]
    missing = sorted(short - shown - {"__version__"})
    if missing:
        raise ValueError(f"{', '.join(missing)}: in ddsp_tf.__all__ but on no page of make_api.py")
    head = (
        "# API\n\nMade from the docstrings by `python docs/make_api.py`. Names that are shown as "
        "`ddsp_tf.Name`\ncan be imported from there.\n"
    )
    pages["README.md"] = "\n".join([head, *index])
    return {name: text.rstrip() + "\n" for name, text in pages.items()}


def shortest_name(package, short, module: str, name: str) -> str:
    """Where a user imports a name from: the package, a folder of it, or the module."""
    if name in short:
        return f"ddsp_tf.{name}"
    folder = module.rpartition(".")[0]
    if folder and name in (package[folder].exports or ()):
        return f"ddsp_tf.{folder}.{name}"
    return f"ddsp_tf.{module}.{name}"


def short_names(source) -> set[str]:
    """Names that `ddsp_tf` itself offers."""
    text = (Path(source) / "ddsp_tf" / "__init__.py").read_text(encoding="utf-8")
    return set(re.findall(r'^    "(\w+)": "ddsp_tf\.', text, re.MULTILINE))


def public_members(module):
    """Documented classes and functions that a module defines, in its order."""
    return [
        member
        for name, member in module.members.items()
        if not name.startswith("_")
        and not member.is_alias
        and (member.is_class or member.is_function)
        and member.docstring
    ]


def describe(item, where: str) -> str:
    """A class with its methods, or a function."""
    parts = [f"## {item.name}\n", signature(item, where), *docstring(item)]
    if item.is_class:
        parts += methods(item)
    return "\n".join(parts)


def methods(owner):
    """Public methods and properties: short ones in a list, those with arguments at length."""
    short, long = [], []
    for name, member in owner.members.items():
        if name.startswith("_") or name in PLUMBING or member.is_alias or not member.docstring:
            continue
        title = f"{owner.name}.{name}"
        if member.is_function and has_sections(member):
            body = [signature(member, title), *docstring(member)]
            long.append("\n".join([f"### {title}\n", *body]))
        else:
            call = f"({arguments(member, types=False)})" if member.is_function else ""
            short.append(f"- `{name}{call}`: {' '.join(member.docstring.value.split())}")
    return ([*short, ""] if short else []) + long


def has_sections(member) -> bool:
    """Whether a docstring is more than a sentence."""
    return any(section.kind.value != "text" for section in member.docstring.parsed)


def signature(item, where: str) -> str:
    """A call as Python writes it, a parameter a line where one line is too long."""
    if item.is_class:
        function = item.members.get("__init__")
        names = arguments(function) if function else fields(item)
        returns = ""
    else:
        names, returns = arguments(item), f" -> {item.returns}" if item.returns else ""
    line = f"{where}({names}){returns}"
    if len(line) > 100:
        inner = "".join(f"    {name},\n" for name in split_arguments(names))
        line = f"{where}(\n{inner}){returns}"
    return f"```python\n{line}\n```\n"


def split_arguments(text: str) -> list[str]:
    """Splits at commas outside brackets."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def arguments(function, types: bool = True) -> str:
    """The parameters without self, with defaults and maybe annotations."""
    texts, keyword_only = [], False
    for parameter in function.parameters:
        kind = parameter.kind.value
        if parameter.name in ("self", "cls"):
            continue
        if kind == "keyword-only" and not keyword_only:
            texts.append("*")
        keyword_only = keyword_only or kind in ("keyword-only", "variadic positional")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        text = stars + parameter.name
        if types and parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            text += f" = {parameter.default}" if ":" in text else f"={parameter.default}"
        texts.append(text)
    return ", ".join(texts)


def fields(item) -> str:
    """The fields of a dataclass, as its arguments; nothing for other classes."""
    if not any("dataclass" in str(decorator.value) for decorator in item.decorators):
        return ""
    texts = []
    for name, member in item.members.items():
        if not member.is_attribute or name.startswith("_") or member.annotation is None:
            continue
        if "property" in member.labels:
            continue
        default = "" if member.value is None else f" = {member.value}"
        texts.append(f"{name}: {member.annotation}{default}")
    return ", ".join(texts)


def docstring(item) -> list[str]:
    """The sections of a docstring as Markdown."""
    parts = []
    for section in item.docstring.parsed:
        kind = section.kind.value
        if kind == "text":
            parts.append(section.value + "\n")
        elif kind in ("parameters", "attributes"):
            parts.append(f"**{SECTIONS[kind]}**\n")
            parts.append("\n".join(bullet(entry) for entry in section.value) + "\n")
        elif kind == "raises":
            lines = [f"- `{e.annotation}`: {one_line(e.description)}" for e in section.value]
            parts.append("**Raises**\n\n" + "\n".join(lines) + "\n")
        elif kind in ("returns", "yields"):
            # As it stands there: a colon in it does not make its beginning a type.
            text = re.search(rf"^{SECTIONS[kind]}:\n((?: .*\n?|\n)+)", item.docstring.value, re.M)
            parts.append(f"**{SECTIONS[kind]}** {one_line(text[1])}\n")
        elif section.value.kind == "example":
            parts.append(f"```pycon\n{section.value.contents}\n```\n")
        else:
            parts.append(f"**{section.title}**\n")
            parts.append(named_lines(section.value.contents) + "\n")
    return parts


def bullet(entry) -> str:
    """An argument or attribute."""
    return f"- `{entry.name}`: {one_line(entry.description)}"


def named_lines(text: str) -> str:
    """Lines of `name: what it is`, continued lines joined, as a list."""
    lines = []
    for line in text.splitlines():
        match = ITEM.match(line)
        if match:
            lines.append(f"- `{match[1]}`: {line[match.end() :]}")
        elif lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return "\n".join(lines)


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def main():
    """Writes the pages that changed, and takes away those that no longer are."""
    FOLDER.mkdir(exist_ok=True)
    pages = make_pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT), file=sys.stderr)


if __name__ == "__main__":
    main()
