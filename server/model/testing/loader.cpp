#include "server/model/testing/loader.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "nlohmann/json.hpp"

namespace sagelet::model::testing {
namespace {

using nlohmann::json;

template <class T>
T picked(const std::map<std::string_view, T>& table, std::string_view key, T otherwise) {
  const auto found = table.find(key);
  return found == table.end() ? otherwise : found->second;
}

Kind kind_of(std::string_view type) {
  static const std::map<std::string_view, Kind> kKinds = {
      {"structure", Kind::kStructure}, {"list", Kind::kList},        {"map", Kind::kMap},
      {"string", Kind::kString},       {"character", Kind::kString}, {"integer", Kind::kInteger},
      {"short", Kind::kInteger},       {"byte", Kind::kInteger},     {"long", Kind::kLong},
      {"float", Kind::kFloat},         {"double", Kind::kDouble},    {"bigdecimal", Kind::kDouble},
      {"boolean", Kind::kBoolean},     {"blob", Kind::kBlob},        {"timestamp", Kind::kTimestamp}};
  return kKinds.at(type);
}

Location location_of(std::string_view location) {
  static const std::map<std::string_view, Location> kLocations = {{"uri", Location::kUri},
                                                                  {"querystring", Location::kQuery},
                                                                  {"header", Location::kHeader},
                                                                  {"headers", Location::kHeaders},
                                                                  {"statusCode", Location::kStatusCode}};
  return picked(kLocations, location, Location::kBody);
}

TimeFormat time_format_of(std::string_view format) {
  static const std::map<std::string_view, TimeFormat> kFormats = {{"unixTimestamp", TimeFormat::kEpoch},
                                                                  {"iso8601", TimeFormat::kIso8601},
                                                                  {"rfc822", TimeFormat::kHttpDate}};
  return picked(kFormats, format, TimeFormat::kDefault);
}

ProtocolKind protocol_kind(std::string_view protocol, std::string_view json_version) {
  static const std::map<std::string_view, ProtocolKind> kProtocols = {
      {"rest-json", ProtocolKind::kRestJson},
      {"rest-xml", ProtocolKind::kRestXml},
      {"query", ProtocolKind::kQuery},
      {"smithy-rpc-v2-cbor", ProtocolKind::kRpcCbor},
      {"ec2", ProtocolKind::kEc2}};
  return picked(kProtocols, protocol, json_version == "1.0" ? ProtocolKind::kJson10 : ProtocolKind::kJson11);
}

bool flag(const json& source, std::string_view key) {
  const auto found = source.find(key);
  return found != source.end() && found->is_boolean() && found->get<bool>();
}

const json& part(const json& source, std::string_view key) {
  static const json kNone = json::object();
  const auto found = source.find(key);
  return found == source.end() ? kNone : *found;
}

/// The pinned files shorten {"shape": "X"} to "X".
json reference_of(const json& source) {
  return source.is_string() ? json{{"shape", source}} : source;
}

}  // namespace

std::string_view LoadedModel::keep(std::string value) {
  return strings_.emplace_back(std::move(value));
}

std::string_view LoadedModel::text(const json& source, std::string_view key) {
  const auto found = source.find(key);
  return found != source.end() && found->is_string() ? keep(found->get<std::string>()) : std::string_view();
}

const Shape* LoadedModel::shape_named(std::string_view name) const {
  const auto found = std::ranges::lower_bound(shapes_, name, {}, &Shape::name);
  if (found == shapes_.end() || found->name != name)
    throw std::invalid_argument("no shape " + std::string(name));
  return &*found;
}

Member LoadedModel::member(std::string_view name, const json& given) {
  const json reference = reference_of(given);
  Member out;
  out.name = keep(std::string(name));
  out.shape = shape_named(reference.at("shape").get_ref<const std::string&>());
  out.wire_name = text(reference, "locationName");
  out.location = location_of(text(reference, "location"));
  if (out.location == Location::kBody) out.location = locations_.at(out.shape->name);
  if (out.location != Location::kBody && out.wire_name.empty()) out.wire_name = out.shape->xml_name;
  out.time_format = time_format_of(text(reference, "timestampFormat"));
  out.flattened = flag(reference, "flattened");
  out.xml_attribute = flag(reference, "xmlAttribute");
  out.idempotency_token = flag(reference, "idempotencyToken");
  out.xml_namespace = text(part(reference, "xmlNamespace"), "uri");
  out.xml_prefix = text(part(reference, "xmlNamespace"), "prefix");
  out.query_name = text(reference, "queryName");
  out.streaming = flag(reference, "streaming");
  out.json_value = flag(reference, "jsonvalue");
  return out;
}

const Member* LoadedModel::single(const json& source, std::string_view name) {
  const auto found = source.find(name);
  return found == source.end() ? nullptr : &members_.emplace_back(1, member("", *found)).front();
}

void LoadedModel::fill_members(Shape& shape, const json& source) {
  const json& required = part(source, "required");
  auto& members = members_.emplace_back();
  for (const auto& [name, reference] : part(source, "members").items()) {
    members.push_back(member(name, reference));
    members.back().required = std::find(required.begin(), required.end(), json(name)) != required.end();
  }
  shape.members = members;
  const std::string_view payload = text(source, "payload");
  shape.payload = payload.empty() ? nullptr : shape.find(payload);
}

void LoadedModel::fill_error(Shape& shape, const json& source) {
  const json& error = part(source, "error");
  shape.is_exception = flag(source, "exception") || !error.empty();
  if (!shape.is_exception) return;
  const int status = error.value("httpStatusCode", 0);
  shape.fault = flag(source, "fault") || status >= 500;
  shape.error_code = error.contains("code") ? text(error, "code") : shape.name;
  shape.error_status = static_cast<std::uint16_t>(status != 0 ? status : shape.fault ? 500 : 400);
}

void LoadedModel::fill(Shape& shape, const json& source) {
  shape.kind = kind_of(text(source, "type"));
  shape.element = single(source, shape.kind == Kind::kMap ? "value" : "member");
  shape.map_key = single(source, "key");
  auto& values = enums_.emplace_back();
  for (const json& value : part(source, "enum")) values.push_back(keep(value.get<std::string>()));
  shape.enum_values = values;
  shape.pattern = text(source, "pattern");
  shape.pattern_index = ~0U;
  if (source.contains("min")) shape.min = source.at("min").get<double>();
  if (source.contains("max")) shape.max = source.at("max").get<double>();
  shape.time_format = time_format_of(text(source, "timestampFormat"));
  shape.flattened = flag(source, "flattened");
  shape.streaming = flag(source, "streaming");
  shape.sensitive = flag(source, "sensitive");
  shape.is_union = flag(source, "union");
  shape.document_type = flag(source, "document");
  shape.xml_namespace = text(part(source, "xmlNamespace"), "uri");
  shape.xml_prefix = text(part(source, "xmlNamespace"), "prefix");
  fill_members(shape, source);
  fill_error(shape, source);
}

/// Old models say on the reference which member is the payload.
const Shape* LoadedModel::side(const json& reference) {
  const std::string_view name = text(reference, "shape");
  const auto found = std::ranges::find(shapes_, name, &Shape::name);
  if (found == shapes_.end()) throw std::invalid_argument("no shape " + std::string(name));
  const std::string_view payload = text(reference, "payload");
  if (!payload.empty()) found->payload = found->find(payload);
  return &*found;
}

Operation LoadedModel::operation(std::string_view name, const json& source) {
  Operation out;
  out.name = keep(std::string(name));
  out.http_method = text(source.at("http"), "method");
  out.request_uri = text(source.at("http"), "requestUri");
  out.response_code = source.at("http").value("responseCode", std::uint16_t{200});
  const json input = reference_of(part(source, "input"));
  const json output = reference_of(part(source, "output"));
  if (!input.empty()) out.input = side(input);
  if (!output.empty()) out.output = side(output);
  out.input_root = text(input, "locationName");
  out.input_namespace = text(part(input, "xmlNamespace"), "uri");
  out.result_wrapper = text(output, "resultWrapper");
  out.output_root = text(source, "root");
  auto& errors = errors_.emplace_back();
  for (const json& error : part(source, "errors")) {
    errors.push_back(shape_named(keep(reference_of(error).at("shape").get<std::string>())));
  }
  out.errors = errors;
  out.deprecated = flag(source, "deprecated");
  out.unsigned_allowed = flag(source, "unsigned");
  out.checksum_required = flag(source, "checksumRequired");
  out.host_prefix = text(source, "hostPrefix");
  return out;
}

void LoadedModel::fill_service(const json& metadata) {
  service_.endpoint_prefix = text(metadata, "endpointPrefix");
  service_.signing_name =
      metadata.contains("signingName") ? text(metadata, "signingName") : service_.endpoint_prefix;
  service_.target_prefix = text(metadata, "targetPrefix");
  service_.api_version = text(metadata, "apiVersion");
  service_.json_version = text(metadata, "jsonVersion");
  service_.xml_namespace = text(metadata, "xmlNamespace");
  if (metadata.contains("xmlNamespace") && metadata.at("xmlNamespace").is_object()) {
    service_.xml_namespace = text(metadata.at("xmlNamespace"), "uri");
  }
  service_.protocol = protocol_kind(text(metadata, "protocol"), service_.json_version);
  service_.operations = operations_;
  service_.shapes = shape_pointers_;
}

LoadedModel::LoadedModel(std::string name, const json& source) {
  const json& shapes = source.at("shapes");
  shapes_.resize(shapes.size());  // before anything points into it
  std::size_t next = 0;
  for (const auto& [shape_name, shape] : shapes.items()) {
    shapes_[next++].name = keep(shape_name);
    locations_[shapes_[next - 1].name] = location_of(text(shape, "location"));
    shapes_[next - 1].xml_name = text(shape, "locationName");
  }
  std::ranges::sort(shapes_, {}, &Shape::name);
  for (Shape& shape : shapes_) {
    fill(shape, shapes.at(std::string(shape.name)));
    shape_pointers_.push_back(&shape);
  }
  for (const auto& [operation_name, operation_source] : source.at("operations").items()) {
    operations_.push_back(operation(operation_name, operation_source));
  }
  std::ranges::sort(operations_, {}, &Operation::name);
  for (std::size_t i = 0; i < operations_.size(); ++i) operations_[i].index = static_cast<std::uint32_t>(i);
  service_.name = keep(std::move(name));
  fill_service(source.at("metadata"));
}

}  // namespace sagelet::model::testing
