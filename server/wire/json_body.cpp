#include "server/wire/json_body.hpp"

#include "server/wire/document_writer.hpp"
#include "server/wire/json_writer.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

/// Error members are given as text; the model says when they are numbers or booleans on the wire.
void write_error_member(std::string& out, const model::Shape* shape, std::string_view name,
                        std::string_view value) {
  const model::Member* member = shape == nullptr ? nullptr : shape->find(name);
  append_json_string(out, member == nullptr ? name : member->key());
  out += ':';
  if (member != nullptr && member->shape->kind != model::Kind::kString) {
    const auto read = read_scalar(*member->shape, value);
    if (read && (read->is_number() || read->is_boolean())) {
      out += read->dump();
      return;
    }
  }
  append_json_string(out, value);
}

}  // namespace

std::string json_answer(const model::Shape* shape, Output& output) {
  if (!output.ready.empty()) return std::move(output.ready);
  std::string out;
  out.reserve(512);
  JsonWriter writer(out, shape);
  if (output.rows) {
    output.rows(writer);
  } else if (shape != nullptr) {
    write_members(writer, *shape, output.fields);
  }
  writer.finish();
  return out;
}

std::string json_error(const model::Shape* shape, const api::Error& error, bool with_type) {
  std::string out = "{";
  if (with_type) {
    out += "\"__type\":";
    append_json_string(out, error.code);
    out += ',';
  }
  out += "\"message\":";
  append_json_string(out, error.message);
  out += ",\"Message\":";
  append_json_string(out, error.message);
  for (const auto& [name, value] : error.members) {
    if (name == "message" || name == "Message") continue;
    out += ',';
    write_error_member(out, shape, name, value);
  }
  return out + "}";
}

}  // namespace sagelet::wire
