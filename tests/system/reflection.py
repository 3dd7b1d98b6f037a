"""A client that knows nothing of medsynth but an address: what grpcurl does, in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


class ReflectionClient:
    """Calls the methods of a server by name, with dictionaries for messages."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._database = ProtoReflectionDescriptorDatabase(self._channel)
        self._pool = DescriptorPool(self._database)

    def services(self) -> list[str]:
        return sorted(self._database.get_services())

    def call(self, method: str, **request: Any) -> dict[str, Any]:
        """One answer: `call("medsynth.v1.TrainerService/ListPresets")`."""
        return next(self._invoke(method, request))

    def stream(self, method: str, **request: Any) -> Iterator[dict[str, Any]]:
        """Every answer of a streaming method."""
        return self._invoke(method, request)

    def close(self) -> None:
        self._channel.close()

    def _invoke(self, method: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        service, name = method.split("/")
        descriptor: MethodDescriptor = self._pool.FindServiceByName(service).methods_by_name[name]
        message = json_format.ParseDict(request, GetMessageClass(descriptor.input_type)())
        answer = GetMessageClass(descriptor.output_type)
        path = f"/{service}/{name}"
        if descriptor.server_streaming:
            calls = self._channel.unary_stream(
                path, request_serializer=_serialize, response_deserializer=answer.FromString
            )
            yield from (json_format.MessageToDict(each) for each in calls(message, timeout=300))
        else:
            call = self._channel.unary_unary(
                path, request_serializer=_serialize, response_deserializer=answer.FromString
            )
            yield json_format.MessageToDict(call(message, timeout=60))


def _serialize(message: Any) -> bytes:
    return message.SerializeToString()  # type: ignore[no-any-return]
