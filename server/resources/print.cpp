#include "server/resources/print.hpp"

#include <array>
#include <charconv>

#include "nlohmann/json.hpp"

namespace sagelet::resources {

namespace {

std::string slow(const Document& value) {
  return value.dump(-1, ' ', false, Document::error_handler_t::replace);
}

/// What stands for itself in a JSON string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

void print_escaped(char c, std::string& out) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt", kHex = "0123456789abcdef";
  out += '\\';
  if (const auto at = kNamed.find(c); at != std::string_view::npos) {
    out += kLetters[at];
    return;
  }
  out += "u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 15];
}

template <class Integer>
void print_integer(Integer value, std::string& out) {
  std::array<char, 24> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

void print_object(const Document& object, std::string& out) {
  char before = '{';
  for (auto member = object.begin(); member != object.end(); ++member) {
    out += before;
    before = ',';
    print(std::string_view(member.key()), out);
    out += ':';
    print(member.value(), out);
  }
  out += before == '{' ? "{}" : "}";
}

void print_array(const Document& array, std::string& out) {
  char before = '[';
  for (const auto& item : array) {
    out += before;
    before = ',';
    print(item, out);
  }
  out += before == '[' ? "[]" : "]";
}

}  // namespace

void print(std::string_view text, std::string& out) {
  const std::size_t start = out.size();
  out += '"';
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (kPlain[c]) continue;
    if (c >= 0x80) {  // has to be looked at as UTF-8
      out.resize(start);
      out += slow(text);
      return;
    }
    out.append(text, from, at - from);
    print_escaped(text[at], out);
    from = at + 1;
  }
  out.append(text, from);
  out += '"';
}

void print(const Document& value, std::string& out) {
  switch (value.type()) {
    case Document::value_t::object:
      return print_object(value, out);
    case Document::value_t::array:
      return print_array(value, out);
    case Document::value_t::string:
      return print(std::string_view(value.get_ref<const std::string&>()), out);
    case Document::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Document::value_t::number_integer:
      return print_integer(value.get<std::int64_t>(), out);
    case Document::value_t::number_unsigned:
      return print_integer(value.get<std::uint64_t>(), out);
    default:
      out += slow(value);
  }
}

std::string printed(const Document& value) {
  std::string out;
  print(value, out);
  return out;
}

}  // namespace sagelet::resources
