#include "server/wire/json_writer.hpp"

#include <cmath>

#include "base/digest.hpp"
#include "server/wire/escaping.hpp"
#include "server/wire/members.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;

bool plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escape(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, plain, append_escape);
  out += '"';
}

JsonWriter::JsonWriter(std::string& out, const model::Shape* root) : out_(out) {
  frames_.reserve(8);
  frames_.push_back({root, '}'});
  out_ += '{';
}

void JsonWriter::member(std::string_view name) {
  Frame& frame = frames_.back();
  if (!frame.empty) out_ += ',';
  frame.empty = false;
  member_ = nullptr;
  std::string_view key = name;
  if (frame.shape != nullptr && frame.shape->kind == Kind::kMap) {
    member_ = frame.shape->element;
  } else if (frame.shape != nullptr) {
    member_ = find_next(*frame.shape, name, frame.hint);
    if (member_ != nullptr) key = member_->key();
  }
  append_json_string(out_, key);
  out_ += ':';
}

const model::Shape* JsonWriter::before_value() {
  Frame& frame = frames_.back();
  if (frame.end == ']') {
    if (!frame.empty) out_ += ',';
    frame.empty = false;
    member_ = frame.shape == nullptr ? nullptr : frame.shape->element;
  }
  return member_ == nullptr ? nullptr : member_->shape;
}

void JsonWriter::open(char begin, char end) {
  const model::Shape* shape = before_value();
  out_ += begin;
  frames_.push_back({shape, end});
}

void JsonWriter::close() {
  out_ += frames_.back().end;
  frames_.pop_back();
}

void JsonWriter::text(std::string_view value) {
  const model::Shape* shape = before_value();
  if (shape == nullptr || shape->kind != Kind::kBlob) return append_json_string(out_, value);
  append_json_string(out_, to_base64(value));
}

void JsonWriter::integer(std::int64_t value) {
  before_value();
  append_integer(out_, value);
}

void JsonWriter::real(double value) {
  before_value();
  const bool named = !std::isfinite(value);
  if (named) out_ += '"';
  append_real(out_, value);
  if (named) out_ += '"';
}

void JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
}

void JsonWriter::time(WallTime value) {
  const model::Shape* shape = before_value();
  const auto format =
      shape == nullptr ? model::TimeFormat::kEpoch : time_format(member_, *shape, model::TimeFormat::kEpoch);
  const bool quoted = format != model::TimeFormat::kEpoch;
  if (quoted) out_ += '"';
  append_time(out_, value, format);
  if (quoted) out_ += '"';
}

void JsonWriter::null() {
  before_value();
  out_ += "null";
}

void JsonWriter::raw(std::string_view json) {
  before_value();
  out_ += json;
}

}  // namespace sagelet::wire
