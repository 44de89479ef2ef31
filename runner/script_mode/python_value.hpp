#pragma once
// A value as Python's json module sees it: integers of any size, NaN, dicts that keep their order, lone
// surrogates.
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace sagelet::python {

class Value;

struct None {
  bool operator==(const None&) const = default;
};
struct Int {
  std::string digits;  ///< decimal, as Python prints it: "-12", never "-0" or "+1"
  bool operator==(const Int&) const = default;
};
using List = std::vector<Value>;

/// Keys in the order of their first appearance, as a Python dict.
class Dict {
 public:
  /// A key that is there keeps its place and gets the new value.
  void set(std::string key, Value value);
  const Value* find(std::string_view key) const;
  const std::vector<std::pair<std::string, Value>>& items() const { return items_; }
  /// Items by code point of the key (the order of the bytes of UTF-8).
  std::vector<const std::pair<std::string, Value>*> sorted() const;
  bool empty() const;

 private:
  std::vector<std::pair<std::string, Value>> items_;
};

/// Text is UTF-8; a lone surrogate is kept as its three bytes (ED A0..BF xx).
class Value : public std::variant<None, bool, Int, double, std::string, List, Dict> {
 public:
  using variant::variant;
  Value(const char* text) : variant(std::string(text)) {}
  Value(int number) : variant(Int{std::to_string(number)}) {}

  template <class T>
  const T* as() const {
    return std::get_if<T>(this);
  }
  bool is_none() const { return std::holds_alternative<None>(*this); }
  bool truthy() const;
};

/// json.loads(text), text as above. kInvalid where Python raises ValueError; kNoSpace where it raises
/// RecursionError.
Result<Value> parse_json(std::string_view text);

/// json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
std::string dump_json(const Value& value);
/// json.dumps(value): blanks after , and :, keys in their order.
std::string dump_json_plain(const Value& value);

std::string str(const Value& value);
std::string repr(const Value& value);
std::string repr_text(std::string_view text);
std::string repr_float(double number);

/// str.upper()
std::string upper(std::string_view text);
/// len(text)
std::size_t length(std::string_view text);

/// os.fsencode(text): U+DC80..U+DCFF become the bytes they stand for; kInvalid for other lone surrogates and
/// for NUL.
Result<std::string> system_bytes(std::string_view text);

/// Takes one code point off the front of `text`, whose bytes are UTF-8 as above; a byte that fits nothing
/// counts alone.
char32_t next_code_point(std::string_view& text);
void append_code_point(std::string& text, char32_t code);

}  // namespace sagelet::python
