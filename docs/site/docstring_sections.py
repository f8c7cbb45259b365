"""Lets mkdocstrings read the sections of our docstrings.

The docstring of a layer lists the `Args` of its constructor and the `Call arguments` of its call;
`Returns` describes the call. Griffe's parser of Google's style knows one list and no return value
of a class, and takes a section `Example` for a box of running text.
"""

import griffe

SECTIONS = {
    "\nCall arguments:\n": "\nArgs: Call arguments:\n",
    "\nExample:\n": "\nExamples: Example:\n",
}
CLASS_SECTIONS = {"\nReturns:\n    ": "\nReturns:\n    Tensor: "}


class DocstringSections(griffe.Extension):
    """Rewrites the first lines of these sections before a docstring is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs) -> None:
        """Called once for each module, class, function and attribute."""
        if not obj.docstring:
            return
        sections = {**SECTIONS, **CLASS_SECTIONS} if obj.is_class else SECTIONS
        for ours, theirs in sections.items():
            obj.docstring.value = obj.docstring.value.replace(ours, theirs)
