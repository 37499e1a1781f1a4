"""JSON Schema -> a compact typed notation, in the manner of TypeScript, that a model reads at a glance.

One line per field, `name: type(limits) // description`; every named type printed once; what the schema says is
either printed or changes nothing. Total: junk renders to something, nothing raises. Shown in docs/prompt.md.
"""

from lmextract.notation._describe import describe

__all__ = ["describe"]
