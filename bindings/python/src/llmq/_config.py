"""Configurations: the library's own JSON, as a mapping, as text or in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

from . import _constants as c
from ._errors import InvalidArgumentError, check
from ._library import ffi, lib, take_buffer

#: What describes a manager or its models: a mapping in the form of docs/configuration.md, the same
#: as JSON text, or the path of such a file.
ConfigSource = Union[Mapping[str, Any], str, "os.PathLike[str]", None]


def _json_text(config: Mapping[str, Any] | str | os.PathLike[str]) -> bytes:
    if isinstance(config, str):
        return config.encode()
    if isinstance(config, os.PathLike):
        return Path(config).read_bytes()
    if isinstance(config, Mapping):
        try:
            return json.dumps(dict(config)).encode()
        except (TypeError, ValueError) as problem:
            raise InvalidArgumentError(
                c.ERR_INVALID_ARG, f"the configuration is no JSON: {problem}", "config"
            ) from problem
    raise TypeError(f"config must be a mapping, JSON text or a path, not {type(config).__name__}")


def setting_text(value: object) -> str:
    """A value as the text that the library takes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Conf:
    """A configuration of the library, freed with this object."""

    def __init__(
        self, config: ConfigSource = None, settings: Mapping[str, object] | None = None
    ) -> None:
        holder = ffi.new("llmq_conf_t **")
        check(lib.llmq_conf_create(holder))
        self.pointer: Any = ffi.gc(holder[0], lib.llmq_conf_free)
        if config is not None:
            text = _json_text(config)
            err = ffi.new("llmq_error_t **")
            check(lib.llmq_conf_set_json(self.pointer, text, len(text), err), err)
        for key, value in (settings or {}).items():
            self.set(key, value)

    def set(self, key: str, value: object) -> None:
        """Sets one key."""
        err = ffi.new("llmq_error_t **")
        check(lib.llmq_conf_set(self.pointer, key.encode(), setting_text(value).encode(), err), err)

    def get(self, key: str) -> tuple[str, bool]:
        """Value of a key, and whether it is the default."""
        value, is_default = ffi.new("char **"), ffi.new("int32_t *")
        check(lib.llmq_conf_get(self.pointer, key.encode(), value, is_default))
        return take_buffer(value), bool(is_default[0])

    def models(self) -> list[str]:
        """Names of the models that it describes."""
        holder = ffi.new("char **")
        check(lib.llmq_conf_models_json(self.pointer, holder))
        names: list[str] = json.loads(take_buffer(holder))
        return names

    def called_over_http(self, model: str) -> bool:
        """Whether answers of the model have HTTP statuses, ids of the provider and so on."""
        name, holder = model.encode(), ffi.new("char **")
        check(lib.llmq_conf_deployments_json(self.pointer, name, len(name), holder))
        if json.loads(take_buffer(holder)):
            return True
        return self.get(f"model.{model}.provider")[0] not in ("none", "mock", "")
