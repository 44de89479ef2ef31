#include "server/wire/cbor_reader.hpp"

#include <bit>
#include <cmath>
#include <optional>

#include "server/wire/json_reader.hpp"
#include "server/wire/shape_builder.hpp"

namespace sagelet::wire {
namespace {

enum Major { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr unsigned kIndefinite = 31;
constexpr unsigned char kBreak = 0xff;

double half_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = bits & 1023;
  double value = exponent == 0    ? std::ldexp(fraction, -24)
                 : exponent == 31 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                                  : std::ldexp(fraction + 1024, exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

/// Tells a ShapeBuilder what stands in the bytes. Every function is false when it cannot go on: the builder
/// has complained, or complaint_ says why.
class Reader {
 public:
  Reader(std::string_view bytes, ShapeBuilder& builder) : rest_(bytes), builder_(builder) {}

  bool document() { return value(0) && (rest_.empty() || wrong("bytes after the end")); }
  const char* complaint() const { return complaint_; }

 private:
  bool wrong(const char* what) {
    complaint_ = what;
    return false;
  }

  std::optional<unsigned char> byte() {
    if (rest_.empty()) return std::nullopt;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  bool at_break() {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) != kBreak) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// The number that goes with an initial byte, big-endian.
  std::optional<std::uint64_t> argument(unsigned info) {
    if (info < 24) return info;
    if (info > 27) return std::nullopt;
    const std::size_t size = std::size_t{1} << (info - 24);
    if (rest_.size() < size) return std::nullopt;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i) number = (number << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(size);
    return number;
  }

  bool value(std::size_t depth) {
    if (depth > 2 * kMaxDepth) return wrong("nested too deeply");  // tags nest without the builder's notice
    const auto first = byte();
    if (!first) return wrong("unexpected end");
    const unsigned major = *first >> 5, info = *first & 31;
    switch (major) {
      case kBytes:
      case kText:
        return string(major, info);
      case kArray:
        return list(info, depth);
      case kMap:
        return map(info, depth);
      case kSimple:
        return simple(info);
      default:
        return number(major, info, depth);
    }
  }

  bool number(unsigned major, unsigned info, std::size_t depth) {
    const auto given = argument(info);
    if (!given) return wrong("a number that is cut off");
    if (major == kTag) return value(depth + 1);  // the shape says what a tagged value is
    if (major == kUnsigned) return builder_.number_unsigned(*given);
    if (*given > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return builder_.number_float(-1.0 - static_cast<double>(*given), {});
    return builder_.number_integer(-1 - static_cast<std::int64_t>(*given));
  }

  bool simple(unsigned info) {
    if (info == 20 || info == 21) return builder_.boolean(info == 21);
    if (info == 22 || info == 23) return builder_.null();
    if (info < 25 || info > 27) return wrong("a simple value that has no meaning here");
    const auto bits = argument(info);
    if (!bits) return wrong("a number that is cut off");
    const double real = info == 25   ? half_float(static_cast<std::uint16_t>(*bits))
                        : info == 26 ? std::bit_cast<float>(static_cast<std::uint32_t>(*bits))
                                     : std::bit_cast<double>(*bits);
    return builder_.number_float(real, {});
  }

  /// One piece, or the pieces up to a break.
  bool gather(unsigned major, unsigned info, std::string& out) {
    if (info != kIndefinite) return piece(info, out);
    while (!at_break()) {
      const auto first = byte();
      if (!first || static_cast<unsigned>(*first >> 5) != major || (*first & 31) == kIndefinite)
        return wrong("a string whose pieces are of another kind");
      if (!piece(*first & 31, out)) return false;
    }
    return true;
  }
  bool piece(unsigned info, std::string& out) {
    const auto size = argument(info);
    if (!size || *size > rest_.size()) return wrong("a string that is cut off");
    out.append(rest_.substr(0, *size));
    rest_.remove_prefix(*size);
    return true;
  }

  bool string(unsigned major, unsigned info) {
    std::string text;
    if (!gather(major, info, text)) return false;
    if (major == kText) return builder_.string(text);
    nlohmann::json::binary_t bytes(std::vector<std::uint8_t>(text.begin(), text.end()));
    return builder_.binary(bytes);
  }

  /// Runs `item` as often as the length says, or up to a break.
  template <class Item>
  bool repeat(unsigned info, Item item) {
    if (info == kIndefinite) {
      while (!at_break())
        if (!item()) return false;
      return true;
    }
    const auto count = argument(info);
    if (!count || *count > rest_.size()) return wrong("a length that goes past the end");
    for (std::uint64_t i = 0; i < *count; ++i)
      if (!item()) return false;
    return true;
  }

  bool list(unsigned info, std::size_t depth) {
    return builder_.start_array(0) && repeat(info, [&] { return value(depth + 1); }) && builder_.end_array();
  }
  bool map(unsigned info, std::size_t depth) {
    return builder_.start_object(0) && repeat(info, [&] { return key() && value(depth + 1); }) &&
           builder_.end_object();
  }
  bool key() {
    const auto first = byte();
    if (!first || (*first >> 5) != kText) return wrong("a map's key that is no text");
    std::string name;
    return gather(kText, *first & 31, name) && builder_.key(name);
  }

  std::string_view rest_;
  ShapeBuilder& builder_;
  const char* complaint_ = nullptr;
};

}  // namespace

Reply<Document> read_cbor(const model::Shape& shape, std::string_view bytes) {
  if (bytes.empty()) return Document::object();
  ShapeBuilder builder(shape, false);
  Reader reader(bytes, builder);
  if (!reader.document() && reader.complaint() != nullptr)
    return api::Error::make("SerializationException",
                            std::string("The request body is not valid CBOR: ") + reader.complaint());
  return builder.result();
}

}  // namespace sagelet::wire
