#!/usr/bin/env python3
"""Turns server/model/data/<service>.json into C++ constant tables: tables.py OUT_FOLDER DATA_FILE...

Run by the build (server/model/CMakeLists.txt), standard library only. For each service it writes <service>.cpp, and
registry.cpp which lists them. Everything is constant-initialised: flat arrays that point into one another.
"""
import json
import pathlib
import sys

KINDS = {"structure": "kStructure", "list": "kList", "map": "kMap", "string": "kString", "character": "kString",
         "integer": "kInteger", "long": "kLong", "bigdecimal": "kDouble", "float": "kFloat", "double": "kDouble",
         "boolean": "kBoolean", "blob": "kBlob", "timestamp": "kTimestamp"}
LOCATIONS = {"uri": "kUri", "querystring": "kQuery", "header": "kHeader", "headers": "kHeaders",
             "statusCode": "kStatusCode"}
TIMES = {"unixTimestamp": "kEpoch", "iso8601": "kIso8601", "rfc822": "kHttpDate"}
PROTOCOLS = {"json": "kJson11", "rest-json": "kRestJson", "rest-xml": "kRestXml", "query": "kQuery", "ec2": "kEc2",
             "smithy-rpc-v2-cbor": "kRpcCbor"}


def quoted(text):
    """A string_view literal of the text's UTF-8 bytes."""
    out = []
    for byte in text.encode():
        if byte in (0x22, 0x5C):
            out.append("\\" + chr(byte))
        elif 0x20 <= byte < 0x7F and byte != 0x3F:
            out.append(chr(byte))
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"sv'


def initialiser(fields):
    """A braced initialiser with the fields that are not at their default."""
    shown = [f".{name} = {value}" for name, value in fields if value not in (None, '""sv', "false")]
    return "{" + ", ".join(shown) + "}"


def flag(value):
    return "true" if value else "false"


def text(value):
    return quoted(value) if value else None


def scoped(enum, table, value):
    return f"{enum}::{table[value]}" if value in table else None


def as_dict(reference):
    return {"shape": reference} if isinstance(reference, str) else reference


class Patterns:
    """Numbers every distinct pattern of all services."""

    def __init__(self):
        self.numbers = {}

    def number(self, pattern):
        return self.numbers.setdefault(pattern, len(self.numbers))


class Service:
    """One service's arrays, collected while its shapes are walked."""

    def __init__(self, name, source, patterns):
        self.name = name
        self.source = source
        self.patterns = patterns
        self.shape_names = sorted(source["shapes"])
        self.position = {shape: number for number, shape in enumerate(self.shape_names)}
        self.members, self.enums, self.errors = [], [], []

    def shape_pointer(self, name):
        return f"&kShapes[{self.position[name]}]"

    def member(self, name, reference, required=False):
        reference = as_dict(reference)
        namespace = reference.get("xmlNamespace", {})
        fields = [
            ("name", text(name)), ("shape", self.shape_pointer(reference["shape"])),
            ("wire_name", text(reference.get("locationName"))),
            ("location", scoped("Location", LOCATIONS, reference.get("location"))),
            ("time_format", scoped("TimeFormat", TIMES, reference.get("timestampFormat"))),
            ("required", flag(required)), ("flattened", flag(reference.get("flattened"))),
            ("xml_attribute", flag(reference.get("xmlAttribute"))),
            ("idempotency_token", flag(reference.get("idempotencyToken"))),
            ("xml_namespace", text(namespace.get("uri"))), ("xml_prefix", text(namespace.get("prefix"))),
            ("query_name", text(reference.get("queryName"))), ("streaming", flag(reference.get("streaming"))),
            ("json_value", flag(reference.get("jsonvalue"))),
        ]
        self.members.append(initialiser(fields))
        return len(self.members) - 1

    def single(self, source, part):
        return f"&kMembers[{self.member('', source[part])}]" if part in source else None

    def member_span(self, source):
        first = len(self.members)
        required = source.get("required", [])
        names = list(source.get("members", {}))
        for name in names:
            self.member(name, source["members"][name], name in required)
        payload = f"&kMembers[{first + names.index(source['payload'])}]" if "payload" in source else None
        return (f"{{&kMembers[{first}], {len(names)}}}" if names else None), payload

    def enum_span(self, source):
        values = source.get("enum", [])
        if not values:
            return None
        self.enums.extend(quoted(value) for value in values)
        return f"{{&kEnums[{len(self.enums) - len(values)}], {len(values)}}}"

    def shape(self, name):
        source = self.source["shapes"][name]
        members, payload = self.member_span(source)
        namespace, error = source.get("xmlNamespace", {}), source.get("error", {})
        pattern, exception = source.get("pattern"), source.get("exception") or bool(error)
        fault = source.get("fault") or (error and error.get("httpStatusCode", 400) >= 500)
        number = {edge: repr(float(source[edge])) if edge in source else None for edge in ("min", "max")}
        return initialiser([
            ("name", text(name)), ("kind", f"Kind::{KINDS[source['type']]}"), ("members", members),
            ("payload", payload),
            ("element", self.single(source, "member") or self.single(source, "value")),
            ("map_key", self.single(source, "key")), ("enum_values", self.enum_span(source)),
            ("pattern", text(pattern)),
            ("pattern_index", str(self.patterns.number(pattern)) if pattern else None),
            ("min", number["min"]), ("max", number["max"]),
            ("time_format", scoped("TimeFormat", TIMES, source.get("timestampFormat"))),
            ("flattened", flag(source.get("flattened"))), ("streaming", flag(source.get("streaming"))),
            ("sensitive", flag(source.get("sensitive"))), ("is_union", flag(source.get("union"))),
            ("document_type", flag(source.get("document"))), ("xml_name", text(source.get("locationName"))),
            ("xml_namespace", text(namespace.get("uri"))), ("xml_prefix", text(namespace.get("prefix"))),
            ("is_exception", flag(exception)), ("fault", flag(fault)),
            ("error_code", text(error.get("code", name)) if exception else None),
            ("error_status", str(error.get("httpStatusCode", 500 if fault else 400)) if exception else None),
        ])

    def error_span(self, source):
        errors = source.get("errors", [])
        if not errors:
            return None
        self.errors.extend(self.shape_pointer(error) for error in errors)
        return f"{{&kErrors[{len(self.errors) - len(errors)}], {len(errors)}}}"

    def operation(self, index, name):
        source = self.source["operations"][name]
        http, pages = source["http"], source.get("pages", {})
        sides = {side: as_dict(source[side]) for side in ("input", "output") if side in source}
        given, answer = sides.get("input", {}), sides.get("output", {})

        def page(key):
            value = pages.get(key)
            return text(value[0] if isinstance(value, list) else value)

        return initialiser([
            ("name", text(name)), ("index", str(index)), ("http_method", text(http["method"])),
            ("request_uri", text(http["requestUri"])),
            ("response_code", str(http["responseCode"]) if "responseCode" in http else None),
            ("input", self.shape_pointer(given["shape"]) if given else None),
            ("output", self.shape_pointer(answer["shape"]) if answer else None),
            ("input_root", text(given.get("locationName"))),
            ("input_namespace", text(given.get("xmlNamespace", {}).get("uri"))),
            ("result_wrapper", text(answer.get("resultWrapper"))), ("output_root", text(source.get("root"))),
            ("errors", self.error_span(source)), ("deprecated", flag(source.get("deprecated"))),
            ("unsigned_allowed", flag(source.get("unsigned"))),
            ("checksum_required", flag(source.get("checksumRequired"))),
            ("host_prefix", text(source.get("hostPrefix"))),
            ("page_input_token", page("input_token")), ("page_output_token", page("output_token")),
            ("page_limit", page("limit_key")), ("page_result", page("result_key")),
        ])

    def model(self):
        metadata = self.source["metadata"]
        protocol = PROTOCOLS[metadata["protocol"]]
        if protocol == "kJson11" and metadata.get("jsonVersion") == "1.0":
            protocol = "kJson10"
        return initialiser([
            ("name", text(self.name)), ("endpoint_prefix", text(metadata["endpointPrefix"])),
            ("signing_name", text(metadata.get("signingName", metadata["endpointPrefix"]))),
            ("target_prefix", text(metadata.get("targetPrefix"))), ("api_version", text(metadata["apiVersion"])),
            ("json_version", text(metadata.get("jsonVersion"))),
            ("xml_namespace", text(metadata.get("xmlNamespace"))), ("protocol", f"ProtocolKind::{protocol}"),
            ("query_compatible", flag("awsQueryCompatible" in metadata)),
            ("operations", "kOperations"), ("shapes", "kShapePointers"),
        ])

    def cpp(self):
        shapes = [self.shape(name) for name in self.shape_names]
        operations = [self.operation(index, name)
                      for index, name in enumerate(sorted(self.source["operations"]))]
        pointers = [f"&kShapes[{index}]" for index in range(len(shapes))]
        arrays = [("Member", "kMembers", self.members), ("std::string_view", "kEnums", self.enums),
                  ("Shape* const", "kErrors", self.errors), ("Shape", "kShapes", shapes),
                  ("Operation", "kOperations", operations), ("Shape* const", "kShapePointers", pointers)]
        arrays = [array for array in arrays if array[2]]
        yield f"// Made from server/model/data/{self.name}.json by tools/models/tables.py. Do not edit."
        yield '#include "server/model/shapes.hpp"\n\nnamespace sagelet::model {\nnamespace {'
        yield "using namespace std::string_view_literals;\n"
        for kind, name, values in arrays:
            yield f"extern const {kind} {name}[{len(values)}];"
        for kind, name, values in arrays:
            yield f"\nconstinit const {kind} {name}[{len(values)}] = {{"
            yield from (f"    {value}," for value in values)
            yield "};"
        yield "}  // namespace\n"
        yield f"extern const ServiceModel kModel_{self.name};"
        yield f"constinit const ServiceModel kModel_{self.name} = {self.model()};"
        yield "\n}  // namespace sagelet::model"


def registry(names, pattern_count):
    yield "// Made by tools/models/tables.py. Do not edit."
    yield '#include "server/model/shapes.hpp"\n\nnamespace sagelet::model {'
    yield from (f"extern const ServiceModel kModel_{name};" for name in names)
    yield "namespace {\nconstinit const ServiceModel* const kServices[] = {"
    yield from (f"    &kModel_{name}," for name in names)
    yield "};\n}  // namespace"
    yield "std::span<const ServiceModel* const> services() { return kServices; }"
    yield f"std::uint32_t pattern_count() {{ return {pattern_count}; }}"
    yield "}  // namespace sagelet::model"


def main():
    out, files = pathlib.Path(sys.argv[1]), sorted(map(pathlib.Path, sys.argv[2:]))
    out.mkdir(parents=True, exist_ok=True)
    patterns = Patterns()
    for path in files:
        service = Service(path.stem, json.loads(path.read_text()), patterns)
        (out / f"{path.stem}.cpp").write_text("\n".join(service.cpp()) + "\n")
    names = [path.stem for path in files]
    (out / "registry.cpp").write_text("\n".join(registry(names, len(patterns.numbers))) + "\n")


if __name__ == "__main__":
    main()
