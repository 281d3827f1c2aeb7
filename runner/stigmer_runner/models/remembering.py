"""The library's models, without what they work out anew for each call though it stays the same."""

import dataclasses
from collections.abc import Callable, Sequence

from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition


def remembering(make: Callable[[str], Model]) -> Callable[[str], Model]:
    """The same models, which remember how they want tools described: the library works it out for each call."""

    def made(name: str) -> Model:
        model = make(name)
        vars(model)["customize_request_parameters"] = _Customized(model.customize_request_parameters)
        return model

    return made


class _Customized:
    """`Model.customize_request_parameters` for the tools that it was last asked about, and those that it is asked about next."""

    def __init__(self, customize: Callable[[ModelRequestParameters], ModelRequestParameters]) -> None:
        self._customize = customize
        self._tools: Sequence[ToolDefinition] = ()
        self._customized: Sequence[ToolDefinition] = ()

    def __call__(self, parameters: ModelRequestParameters) -> ModelRequestParameters:
        tools = parameters.function_tools
        if parameters.output_tools or parameters.output_object is not None:
            return self._customize(parameters)
        if len(tools) != len(self._tools) or any(a is not b for a, b in zip(tools, self._tools, strict=True)):
            self._tools, self._customized = tools, self._customize(parameters).function_tools
        return dataclasses.replace(parameters, function_tools=list(self._customized))
