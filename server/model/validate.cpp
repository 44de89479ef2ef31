#include "server/model/validate.hpp"

#include <algorithm>
#include <charconv>

#include "nlohmann/json.hpp"
#include "server/model/path.hpp"
#include "server/model/patterns.hpp"

namespace sagelet::model {
namespace {

std::string number_text(double number) {
  char buffer[40];
  const bool whole = number == static_cast<double>(static_cast<std::int64_t>(number));
  const auto end = whole
                       ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(number)).ptr
                       : std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return std::string(buffer, end);
}

/// Characters, not bytes.
std::size_t length_of(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

std::string value_text(const Document& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return number_text(value.get<double>());
  if (value.is_binary()) return "java.nio.HeapByteBuffer";
  std::string out;
  if (value.is_array()) {
    for (const auto& item : value) out += (out.empty() ? "" : ", ") + value_text(item);
    return "[" + out + "]";
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      out += (out.empty() ? "" : ", ") + key + "=" + value_text(item);
    return "{" + out + "}";
  }
  return value.dump(-1, ' ', false, Document::error_handler_t::replace);
}

class Validator {
 public:
  void structure(const Shape& shape, const Document& value);

  std::optional<std::string> message() && {
    if (count_ == 0) return std::nullopt;
    return std::to_string(count_) +
           (count_ == 1 ? " validation error detected: " : " validation errors detected: ") + text_;
  }

 private:
  void check(const Shape& shape, const Document& value);
  void text(const Shape& shape, const Document& value);
  void number(const Shape& shape, const Document& value);
  void size(const Shape& shape, const Document& value, std::size_t length);
  void list(const Shape& shape, const Document& value);
  void map(const Shape& shape, const Document& value);
  void add(std::string_view shown, std::string_view constraint);
  void add(const Shape& shape, const Document& value, std::string_view constraint) {
    add(shape.sensitive ? "Value" : "Value '" + value_text(value) + "'", constraint);
  }
  void null() { add("Value null", "Member must not be null"); }

  Path path_;
  std::string text_;
  std::size_t count_ = 0;
};

void Validator::add(std::string_view shown, std::string_view constraint) {
  if (count_++ > 0) text_ += "; ";
  text_.append(shown)
      .append(" at '")
      .append(path_.text())
      .append("' failed to satisfy constraint: ")
      .append(constraint);
}

void Validator::structure(const Shape& shape, const Document& value) {
  if (!value.is_object()) return;
  for (const Member& member : shape.members) {
    const auto found = value.find(member.name);
    const bool absent = found == value.end() || found->is_null();
    if (absent && !member.required) continue;
    const std::size_t before = path_.push_member(member.name);
    absent ? null() : check(*member.shape, *found);
    path_.truncate(before);
  }
}

void Validator::check(const Shape& shape, const Document& value) {
  if (shape.document_type) return;
  switch (shape.kind) {
    case Kind::kStructure:
      return structure(shape, value);
    case Kind::kList:
      return list(shape, value);
    case Kind::kMap:
      return map(shape, value);
    case Kind::kString:
      return text(shape, value);
    case Kind::kBlob:
      if (value.is_binary()) size(shape, value, value.get_binary().size());
      return;
    case Kind::kInteger:
    case Kind::kLong:
    case Kind::kFloat:
    case Kind::kDouble:
      return number(shape, value);
    default:
      return;
  }
}

void Validator::text(const Shape& shape, const Document& value) {
  if (!value.is_string()) return;
  const auto& text = value.get_ref<const std::string&>();
  if (!shape.enum_values.empty()) {
    if (std::ranges::find(shape.enum_values, std::string_view(text)) != shape.enum_values.end()) return;
    std::string set;
    for (const std::string_view allowed : shape.enum_values)
      set.append(set.empty() ? "" : ", ").append(allowed);
    return add(shape, value, "Member must satisfy enum value set: [" + set + "]");
  }
  if (!matches_pattern(shape, text)) {
    add(shape, value, "Member must satisfy regular expression pattern: " + std::string(shape.pattern));
  }
  if (shape.min || shape.max) size(shape, value, length_of(text));
}

void Validator::size(const Shape& shape, const Document& value, std::size_t length) {
  if (shape.max && static_cast<double>(length) > *shape.max) {
    add(shape, value, "Member must have length less than or equal to " + number_text(*shape.max));
  }
  if (shape.min && static_cast<double>(length) < *shape.min) {
    add(shape, value, "Member must have length greater than or equal to " + number_text(*shape.min));
  }
}

void Validator::number(const Shape& shape, const Document& value) {
  if (!value.is_number()) return;
  const double number = value.get<double>();
  if (shape.max && number > *shape.max) {
    add(shape, value, "Member must have value less than or equal to " + number_text(*shape.max));
  }
  if (shape.min && number < *shape.min) {
    add(shape, value, "Member must have value greater than or equal to " + number_text(*shape.min));
  }
}

void Validator::list(const Shape& shape, const Document& value) {
  if (!value.is_array()) return;
  size(shape, value, value.size());
  std::size_t position = 0;
  for (const Document& item : value) {
    const std::size_t before = path_.push_item(++position);
    item.is_null() ? null() : check(*shape.element->shape, item);
    path_.truncate(before);
  }
}

void Validator::map(const Shape& shape, const Document& value) {
  if (!value.is_object()) return;
  size(shape, value, value.size());
  for (const auto& [key, item] : value.items()) {
    const std::size_t before = path_.push_key(key);
    check(*shape.map_key->shape, key);
    if (!item.is_null()) check(*shape.element->shape, item);
    path_.truncate(before);
  }
}

}  // namespace

std::optional<std::string> violations(const Shape& shape, const Document& params) {
  Validator validator;
  validator.structure(shape, params);
  return std::move(validator).message();
}

}  // namespace sagelet::model
