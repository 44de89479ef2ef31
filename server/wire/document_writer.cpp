#include "server/wire/document_writer.hpp"

#include "nlohmann/json.hpp"
#include "server/wire/json_writer.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;
using model::Shape;
using model::Writer;

bool fits(const Shape& shape, const nlohmann::json& value) {
  if (shape.document_type) return true;
  switch (shape.kind) {
    case Kind::kStructure:
    case Kind::kMap:
      return value.is_object();
    case Kind::kList:
      return value.is_array();
    case Kind::kBoolean:
      return value.is_boolean();
    case Kind::kBlob:
      return value.is_binary() || value.is_string();
    case Kind::kString:
      return value.is_string();
    default:
      return value.is_number() || value.is_string();
  }
}

std::string_view bytes_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  const auto& bytes = value.get_binary();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_value(Writer& writer, const Shape& shape, const nlohmann::json& value);

void write_list(Writer& writer, const Shape& shape, const nlohmann::json& value) {
  auto* json = dynamic_cast<JsonWriter*>(&writer);
  writer.begin_list();
  for (const auto& item : value) {
    if (item.is_null() && json != nullptr) json->null();
    if (fits(*shape.element->shape, item)) write_value(writer, *shape.element->shape, item);
  }
  writer.end_list();
}

void write_map(Writer& writer, const Shape& shape, const nlohmann::json& value) {
  writer.begin_structure();
  for (const auto& [key, item] : value.items()) {
    if (!fits(*shape.element->shape, item)) continue;
    writer.member(key);
    write_value(writer, *shape.element->shape, item);
  }
  writer.end_structure();
}

void write_number(Writer& writer, const Shape& shape, const nlohmann::json& value) {
  if (value.is_string()) return writer.text(value.get_ref<const std::string&>());
  if (shape.kind == Kind::kTimestamp) return writer.time(time_of(value));
  if (value.is_number_float()) return writer.real(value.get<double>());
  writer.integer(value.get<std::int64_t>());
}

void write_document(Writer& writer, const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (auto* json = dynamic_cast<JsonWriter*>(&writer)) return json->raw(text);
  writer.text(text);
}

void write_value(Writer& writer, const Shape& shape, const nlohmann::json& value) {
  if (shape.document_type) return write_document(writer, value);
  switch (shape.kind) {
    case Kind::kStructure:
      writer.begin_structure();
      write_members(writer, shape, value);
      return writer.end_structure();
    case Kind::kList:
      return write_list(writer, shape, value);
    case Kind::kMap:
      return write_map(writer, shape, value);
    case Kind::kString:
    case Kind::kBlob:
      return writer.text(bytes_of(value));
    case Kind::kBoolean:
      return writer.boolean(value.get<bool>());
    default:
      return write_number(writer, shape, value);
  }
}

}  // namespace

bool in_answer_body(const Member& member) {
  return member.location != model::Location::kHeader && member.location != model::Location::kHeaders &&
         member.location != model::Location::kStatusCode;
}

void write_members(Writer& writer, const Shape& structure, const nlohmann::json& value) {
  if (!value.is_object()) return;
  for (const bool attributes : {true, false}) {
    for (const Member& member : structure.members) {
      if (member.xml_attribute != attributes || !in_answer_body(member)) continue;
      const auto found = value.find(member.name);
      if (found == value.end() || !fits(*member.shape, *found)) continue;
      writer.member(member.name);
      write_value(writer, *member.shape, *found);
    }
  }
}

}  // namespace sagelet::wire
