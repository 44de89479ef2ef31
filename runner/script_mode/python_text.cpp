#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "runner/script_mode/python_value.hpp"

namespace sagelet::python {
namespace {

struct UpperRow {
  char32_t lower;
  char32_t upper[3];
};
struct Range {
  char32_t first, last;
};
#include "runner/script_mode/unicode_table.inc"

bool printable(char32_t code) {
  const auto* range = std::lower_bound(std::begin(kUnprintable), std::end(kUnprintable), code,
                                       [](const Range& r, char32_t c) { return r.last < c; });
  return code >= 0x20 && (range == std::end(kUnprintable) || code < range->first);
}

void append_hex(std::string& out, char32_t code, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> shift) & 15];
}

void append_escaped(std::string& out, char32_t code) {
  if (code == '\n' || code == '\r' || code == '\t') {
    out += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
  } else if (code < 0x100) {
    out += "\\x";
    append_hex(out, code, 2);
  } else if (code < 0x10000) {
    out += "\\u";
    append_hex(out, code, 4);
  } else {
    out += "\\U";
    append_hex(out, code, 8);
  }
}

/// Shortest digits that read back as `number` (> 0), and where the point stands: 0.d1d2... * 10^point.
std::pair<std::string, int> shortest(double number) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  const std::string text(buffer, end);
  const auto e = text.find('e');
  std::string digits = text.substr(0, 1);
  if (e > 2) digits += text.substr(2, e - 2);
  return {digits, std::stoi(text.substr(e + 1)) + 1};
}

}  // namespace

std::string repr_float(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::string out = std::signbit(number) ? "-" : "";
  if (number == 0) return out + "0.0";
  auto [digits, point] = shortest(std::fabs(number));
  const int count = static_cast<int>(digits.size());
  if (point > -4 && point <= 16) {
    if (point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    if (count <= point)
      return out + digits + std::string(static_cast<std::size_t>(point - count), '0') + ".0";
    return out + digits.substr(0, static_cast<std::size_t>(point)) + "." +
           digits.substr(static_cast<std::size_t>(point));
  }
  const int exponent = point - 1;
  out += digits.substr(0, 1);
  if (count > 1) out += "." + digits.substr(1);
  const std::string power = std::to_string(std::abs(exponent));
  return out + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
}

std::string repr_text(std::string_view text) {
  const bool single = text.find('\'') != text.npos, twice = text.find('"') != text.npos;
  const char32_t quote = single && !twice ? '"' : '\'';
  std::string out(1, static_cast<char>(quote));
  while (!text.empty()) {
    const char32_t code = next_code_point(text);
    if (code == quote || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (printable(code)) {
      append_code_point(out, code);
    } else {
      append_escaped(out, code);
    }
  }
  return out + static_cast<char>(quote);
}

std::string repr(const Value& value) {
  if (value.is_none()) return "None";
  if (const bool* flag = value.as<bool>()) return *flag ? "True" : "False";
  if (const Int* number = value.as<Int>()) return number->digits;
  if (const double* real = value.as<double>()) return repr_float(*real);
  if (const std::string* text = value.as<std::string>()) return repr_text(*text);
  std::string out;
  if (const List* list = value.as<List>()) {
    for (const Value& item : *list) out += (out.empty() ? "" : ", ") + repr(item);
    return "[" + out + "]";
  }
  for (const auto& [key, item] : value.as<Dict>()->items())
    out += (out.empty() ? "" : ", ") + repr_text(key) + ": " + repr(item);
  return "{" + out + "}";
}

std::string str(const Value& value) {
  const std::string* text = value.as<std::string>();
  return text ? *text : repr(value);
}

std::string upper(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char32_t code = next_code_point(text);
    if (code < 0x80) {
      out += static_cast<char>(code >= 'a' && code <= 'z' ? code - 32 : code);
      continue;
    }
    const auto* row = std::lower_bound(std::begin(kUpper), std::end(kUpper), code,
                                       [](const UpperRow& r, char32_t c) { return r.lower < c; });
    if (row == std::end(kUpper) || row->lower != code) {
      append_code_point(out, code);
    } else {
      for (const char32_t one : row->upper)
        if (one != 0) append_code_point(out, one);
    }
  }
  return out;
}

std::size_t length(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) next_code_point(text);
  return count;
}

Result<std::string> system_bytes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char32_t code = next_code_point(text);
    if (code == 0) return Error(ErrorKind::kInvalid, "embedded null byte");
    if (code >= 0xDC80 && code <= 0xDCFF)
      out += static_cast<char>(code - 0xDC00);
    else if (code >= 0xD800 && code <= 0xDFFF)
      return Error(ErrorKind::kInvalid, "'utf-8' codec can't encode character: surrogates not allowed");
    else
      append_code_point(out, code);
  }
  return out;
}

char32_t next_code_point(std::string_view& text) {
  const auto byte = [&text](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  bool whole = length > 0 && length <= text.size();
  for (std::size_t i = 1; whole && i < length; ++i) whole = (byte(i) & 0xC0) == 0x80;
  if (!whole) {
    text.remove_prefix(1);
    return 0xDC00 + first;  // as surrogateescape reads it
  }
  char32_t code = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3F);
  text.remove_prefix(length);
  return code;
}

void append_code_point(std::string& text, char32_t code) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | ((code >> 18) & 7));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace sagelet::python
