#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "runner/script_mode/python_value.hpp"

namespace sagelet::python {
namespace {

// CPython 3.11 gives up at its recursion limit, 1000 frames of which a few are in use.
constexpr int kDepthLimit = 990;
constexpr std::size_t kIntDigitsLimit = 4300;

/// One pass over the text, as CPython's C scanner does it.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> whole() {
    if (text_.starts_with("\xef\xbb\xbf")) return bad("Unexpected UTF-8 BOM");
    skip_blanks();
    TRY(Value value, parse_value(0));
    skip_blanks();
    if (at_ != text_.size()) return bad("Extra data");
    return value;
  }

 private:
  Result<Value> parse_value(int depth) {
    if (at_ == text_.size()) return bad("Expecting value");
    switch (text_[at_]) {
      case '"':
        ++at_;
        return parse_string();
      case '{':
        return nested(depth) ? parse_dict(depth + 1) : too_deep();
      case '[':
        return nested(depth) ? parse_list(depth + 1) : too_deep();
      default:
        return parse_word_or_number();
    }
  }

  Result<Value> parse_word_or_number() {
    if (take("null")) return Value(None{});
    if (take("true")) return Value(true);
    if (take("false")) return Value(false);
    if (take("NaN")) return Value(std::nan(""));
    if (take("Infinity")) return Value(HUGE_VAL);
    if (take("-Infinity")) return Value(-HUGE_VAL);
    return parse_number();
  }

  Result<Value> parse_number() {
    const std::size_t start = at_;
    take("-");
    if (take("0")) {
    } else if (digits() == 0) {
      at_ = start;
      return bad("Expecting value");
    }
    const bool fraction = take_fraction();
    const bool exponent = take_exponent();
    const std::string word(text_.substr(start, at_ - start));
    if (fraction || exponent) return Value(std::strtod(word.c_str(), nullptr));
    if (word.size() - (word[0] == '-') > kIntDigitsLimit) return bad("Exceeds the limit for integer digits");
    return Value(Int{word == "-0" ? "0" : word});
  }

  bool take_fraction() {
    const std::size_t start = at_;
    if (take(".") && digits() > 0) return true;
    at_ = start;
    return false;
  }

  bool take_exponent() {
    const std::size_t start = at_;
    if (take("e") || take("E")) {
      if (!take("+")) take("-");
      if (digits() > 0) return true;
    }
    at_ = start;
    return false;
  }

  std::size_t digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - start;
  }

  /// After the opening quote.
  Result<Value> parse_string() {
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return Value(std::move(out));
      if (static_cast<unsigned char>(c) < 0x20) return bad("Invalid control character");
      if (c != '\\') {
        out += c;
      } else if (const Status escaped = parse_escape(out); !escaped) {
        return escaped.error();
      }
    }
    return bad("Unterminated string");
  }

  Status parse_escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) return bad("Unterminated string");
    const char c = text_[at_++];
    if (const auto index = kNames.find(c); index != kNames.npos) {
      out += kMeant[index];
      return {};
    }
    if (c != 'u') return bad("Invalid \\escape");
    TRY(char32_t code, hex4());
    if (code >= 0xD800 && code <= 0xDBFF && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_;
      at_ += 2;
      TRY(const char32_t low, hex4());
      if (low >= 0xDC00 && low <= 0xDFFF)
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      else
        at_ = before;
    }
    append_code_point(out, code);
    return {};
  }

  Result<char32_t> hex4() {
    if (text_.size() - at_ < 4) return bad("Invalid \\uXXXX escape");
    char32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const bool digit = c >= '0' && c <= '9', low = c >= 'a' && c <= 'f', high = c >= 'A' && c <= 'F';
      if (!digit && !low && !high) return bad("Invalid \\uXXXX escape");
      code = code * 16 + static_cast<char32_t>(digit ? c - '0' : low ? c - 'a' + 10 : c - 'A' + 10);
    }
    return code;
  }

  Result<Value> parse_list(int depth) {
    List list;
    ++at_;
    skip_blanks();
    if (take("]")) return Value(std::move(list));
    while (true) {
      TRY(Value value, parse_value(depth));
      list.push_back(std::move(value));
      skip_blanks();
      if (take("]")) return Value(std::move(list));
      if (!take(",")) return bad("Expecting ',' delimiter");
      skip_blanks();
    }
  }

  Result<Value> parse_dict(int depth) {
    Dict dict;
    ++at_;
    skip_blanks();
    if (take("}")) return Value(std::move(dict));
    while (true) {
      if (!take("\"")) return bad("Expecting property name enclosed in double quotes");
      TRY(Value key, parse_string());
      skip_blanks();
      if (!take(":")) return bad("Expecting ':' delimiter");
      skip_blanks();
      TRY(Value value, parse_value(depth));
      dict.set(std::get<std::string>(std::move(key)), std::move(value));
      skip_blanks();
      if (take("}")) return Value(std::move(dict));
      if (!take(",")) return bad("Expecting ',' delimiter");
      skip_blanks();
    }
  }

  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  static bool nested(int depth) { return depth < kDepthLimit; }
  static Error too_deep() { return Error(ErrorKind::kNoSpace, "maximum recursion depth exceeded"); }
  Error bad(const char* what) const {
    return Error(ErrorKind::kInvalid, std::string(what) + ": char " + std::to_string(at_));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void dump_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto unit = [&out](char32_t code) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(code >> shift) & 15];
  };
  out += '"';
  while (!text.empty()) {
    static constexpr std::string_view kShort = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
    const char32_t code = next_code_point(text);
    if (code < 0x80 && kShort.find(static_cast<char>(code)) != kShort.npos) {
      out += '\\';
      out += kLetters[kShort.find(static_cast<char>(code))];
    } else if (code >= 0x20 && code < 0x7F) {
      out += static_cast<char>(code);
    } else if (code >= 0x10000) {
      unit(0xD800 + ((code - 0x10000) >> 10));
      unit(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      unit(code);
    }
  }
  out += '"';
}

/// The two layouts in use differ in blanks and in the order of keys.
struct Dumper {
  bool compact;
  std::string out;

  void value(const Value& v) {
    if (v.is_none()) {
      out += "null";
    } else if (const bool* flag = v.as<bool>()) {
      out += *flag ? "true" : "false";
    } else if (const Int* number = v.as<Int>()) {
      out += number->digits;
    } else if (const double* real = v.as<double>()) {
      out += std::isnan(*real)   ? "NaN"
             : std::isinf(*real) ? (*real > 0 ? "Infinity" : "-Infinity")
                                 : repr_float(*real);
    } else if (const std::string* text = v.as<std::string>()) {
      dump_text(out, *text);
    } else if (const List* list = v.as<List>()) {
      list_of(*list);
    } else {
      dict_of(*v.as<Dict>());
    }
  }

  void list_of(const List& list) {
    out += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += compact ? "," : ", ";
      value(list[i]);
    }
    out += ']';
  }

  void item(const std::pair<std::string, Value>& entry, bool first) {
    if (!first) out += compact ? "," : ", ";
    dump_text(out, entry.first);
    out += compact ? ":" : ": ";
    value(entry.second);
  }

  void dict_of(const Dict& dict) {
    out += '{';
    bool first = true;
    if (compact)
      for (const auto* entry : dict.sorted()) item(*entry, std::exchange(first, false));
    else
      for (const auto& entry : dict.items()) item(entry, std::exchange(first, false));
    out += '}';
  }
};

}  // namespace

Result<Value> parse_json(std::string_view text) {
  return Parser(text).whole();
}

std::string dump_json(const Value& value) {
  Dumper dumper{.compact = true, .out = {}};
  dumper.value(value);
  return std::move(dumper.out);
}

std::string dump_json_plain(const Value& value) {
  Dumper dumper{.compact = false, .out = {}};
  dumper.value(value);
  return std::move(dumper.out);
}

void Dict::set(std::string key, Value value) {
  for (auto& [name, old] : items_)
    if (name == key) {
      old = std::move(value);
      return;
    }
  items_.emplace_back(std::move(key), std::move(value));
}

bool Dict::empty() const {
  return items_.empty();
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items_)
    if (name == key) return &value;
  return nullptr;
}

std::vector<const std::pair<std::string, Value>*> Dict::sorted() const {
  std::vector<const std::pair<std::string, Value>*> order;
  for (const auto& item : items_) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  return order;
}

bool Value::truthy() const {
  if (is_none()) return false;
  if (const bool* flag = as<bool>()) return *flag;
  if (const Int* number = as<Int>()) return number->digits != "0";
  if (const double* real = as<double>()) return *real != 0;
  if (const std::string* text = as<std::string>()) return !text->empty();
  if (const List* list = as<List>()) return !list->empty();
  return !as<Dict>()->empty();
}

}  // namespace sagelet::python
