#include "server/wire/scalars.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/digest.hpp"
#include "base/time_text.hpp"
#include "nlohmann/json.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::TimeFormat;

constexpr double kLastMillis = 253402300799999.0;  // 9999-12-31T23:59:59.999Z

template <class T>
std::optional<T> whole_number(std::string_view text) {
  if (text.size() > 1 && text.front() == '+') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> real_number(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  const bool digits =
      text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;  // no "inf", no hex
  return digits ? whole_number<double>(text) : std::nullopt;
}

std::optional<double> timestamp(std::string_view text) {
  if (const auto time = parse_iso8601(text)) return to_epoch_seconds(*time);
  if (const auto time = parse_http_date(text)) return to_epoch_seconds(*time);
  const auto seconds = real_number(text);
  return seconds && std::abs(*seconds) * 1000 <= kLastMillis ? seconds : std::nullopt;
}

template <class T>
std::optional<nlohmann::json> as_json(std::optional<T> value) {
  if (!value) return std::nullopt;
  return nlohmann::json(*value);
}

std::optional<nlohmann::json> boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return nlohmann::json(true);
  if (text == "false" || text == "False" || text == "FALSE") return nlohmann::json(false);
  return std::nullopt;
}

std::optional<nlohmann::json> blob(std::string_view text) {
  std::string bytes;
  if (!from_base64(text, bytes)) return std::nullopt;
  return nlohmann::json::binary({bytes.begin(), bytes.end()});
}

void put_digits(char* at, unsigned value, int count) {
  for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

/// As base's iso8601, without its string: an S3 list has a thousand of them.
void append_iso8601(std::string& out, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const int year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) {
    out += iso8601(time);
    return;
  }
  char text[] = "0000-00-00T00:00:00.000Z";
  put_digits(text, static_cast<unsigned>(year), 4);
  put_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 11, static_cast<unsigned>(clock.hours().count()), 2);
  put_digits(text + 14, static_cast<unsigned>(clock.minutes().count()), 2);
  put_digits(text + 17, static_cast<unsigned>(clock.seconds().count()), 2);
  put_digits(text + 20, static_cast<unsigned>(clock.subseconds().count()), 3);
  out.append(text, sizeof text - 1);
}

/// The length of the well-formed UTF-8 sequence that starts at `at`, 0 when there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

/// Where the valid prefix ends.
std::size_t valid_until(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace

std::optional<nlohmann::json> read_scalar(const model::Shape& shape, std::string_view text) {
  switch (shape.kind) {
    case Kind::kString:
      return nlohmann::json(std::string(text));
    case Kind::kInteger:
      return as_json(whole_number<std::int32_t>(text));
    case Kind::kLong:
      return as_json(whole_number<std::int64_t>(text));
    case Kind::kFloat:
    case Kind::kDouble:
      return as_json(real_number(text));
    case Kind::kBoolean:
      return boolean(text);
    case Kind::kBlob:
      return blob(text);
    case Kind::kTimestamp:
      return as_json(timestamp(text));
    default:
      return std::nullopt;
  }
}

TimeFormat time_format(const model::Member* member, const model::Shape& shape, TimeFormat otherwise) {
  if (member != nullptr && member->time_format != TimeFormat::kDefault) return member->time_format;
  return shape.time_format != TimeFormat::kDefault ? shape.time_format : otherwise;
}

void append_integer(std::string& out, std::int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

void append_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

void append_time(std::string& out, WallTime time, TimeFormat format) {
  const std::int64_t millis = to_millis(time);
  switch (format) {
    case TimeFormat::kIso8601:
      return append_iso8601(out, time);
    case TimeFormat::kHttpDate:
      out += http_date(time);
      return;
    default:
      break;
  }
  if (millis % 1000 == 0) return append_integer(out, millis / 1000);
  append_real(out, static_cast<double>(millis) / 1000.0);
}

WallTime time_of(const nlohmann::json& value) {
  if (!value.is_number()) return WallTime();
  const double millis = value.get<double>() * 1000.0;
  if (!std::isfinite(millis) || std::abs(millis) > kLastMillis) return WallTime();
  return from_millis(std::llround(millis));
}

std::string scalar_text(const nlohmann::json& value, const model::Shape& shape, TimeFormat format) {
  std::string out;
  if (value.is_string()) {
    out = value.get_ref<const std::string&>();
  } else if (value.is_binary()) {
    const auto& bytes = value.get_binary();
    out = to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } else if (value.is_boolean()) {
    out = value.get<bool>() ? "true" : "false";
  } else if (shape.kind == Kind::kTimestamp) {
    append_time(out, time_of(value), format);
  } else if (value.is_number_float()) {
    append_real(out, value.get<double>());
  } else if (value.is_number()) {
    append_integer(out, value.get<std::int64_t>());
  }
  return out;
}

void append_utf8(std::string& out, std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = valid_until(text, at);
    out.append(text.substr(at, end - at));
    if (end < text.size()) out += "\xEF\xBF\xBD";
    at = end + 1;
  }
}

bool is_utf8(std::string_view text) {
  return valid_until(text, 0) >= text.size();
}

}  // namespace sagelet::wire
