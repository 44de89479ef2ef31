#include "base/time_text.hpp"

#include <array>
#include <charconv>

#include "fmt/format.h"

namespace sagelet {

namespace {

using std::chrono::days;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
  int year = 1970;
  unsigned month = 1, day = 1;
  int hour = 0, minute = 0, second = 0, millis = 0;
  unsigned weekday = 4;
};

Parts parts_of(WallTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const auto rest = (time - day).count();
  return Parts{static_cast<int>(date.year()),       static_cast<unsigned>(date.month()),
               static_cast<unsigned>(date.day()),   static_cast<int>(rest / 3600000),
               static_cast<int>(rest / 60000 % 60), static_cast<int>(rest / 1000 % 60),
               static_cast<int>(rest % 1000),       std::chrono::weekday(day).c_encoding()};
}

std::optional<WallTime> time_of(const Parts& p) {
  const std::chrono::year_month_day date(std::chrono::year(p.year), std::chrono::month(p.month),
                                         std::chrono::day(p.day));
  if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(p.hour) + std::chrono::minutes(p.minute) +
         std::chrono::seconds(p.second) + milliseconds(p.millis);
}

/// Reads a text from the left, a piece at a time; any piece that does not fit ends it all.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool number(std::size_t digits, int& out) {
    if (rest_.size() < digits) return false;
    for (std::size_t i = 0; i < digits; ++i)
      if (rest_[i] < '0' || rest_[i] > '9') return false;
    std::from_chars(rest_.data(), rest_.data() + digits, out);
    rest_.remove_prefix(digits);
    return true;
  }
  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool one_of(std::string_view letters, char& out) {
    if (rest_.empty() || letters.find(rest_[0]) == std::string_view::npos) return false;
    out = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  bool month(unsigned& out) {
    for (unsigned i = 0; i < kMonths.size(); ++i)
      if (literal(kMonths[i])) return out = i + 1, true;
    return false;
  }
  /// ".123456": any number of digits, cut to milliseconds.
  void fraction(int& millis) {
    if (!literal(".") && !literal(",")) return;
    int scale = 100, digit = 0;
    while (number(1, digit)) {
      millis += digit * scale;
      scale /= 10;
    }
  }
  std::string_view rest() const { return rest_; }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_clock(Reader& in, Parts& p) {
  return in.number(2, p.hour) && in.literal(":") && in.number(2, p.minute) && in.literal(":") &&
         in.number(2, p.second);
}

bool read_day(Reader& in, std::size_t digits, unsigned& day) {
  int value = 0;
  if (!in.number(digits, value)) return false;
  day = static_cast<unsigned>(value);
  return true;
}

std::optional<WallTime> parse_rfc1123(std::string_view text) {  // 24 Nov 2026 12:00:00 GMT
  Reader in(text);
  Parts p;
  if (!(read_day(in, 2, p.day) || read_day(in, 1, p.day)) || !in.literal(" ") || !in.month(p.month) ||
      !in.literal(" ") || !in.number(4, p.year) || !in.literal(" ") || !read_clock(in, p))
    return std::nullopt;
  if (!in.literal(" GMT") && !in.literal(" UTC") && !in.literal(" +0000") && !in.literal(" -0000"))
    return std::nullopt;
  return in.done() ? time_of(p) : std::nullopt;
}

std::optional<WallTime> parse_rfc850(std::string_view text) {  // 24-Nov-26 12:00:00 GMT
  Reader in(text);
  Parts p;
  if (!read_day(in, 2, p.day) || !in.literal("-") || !in.month(p.month) || !in.literal("-") ||
      !in.number(2, p.year) || !in.literal(" ") || !read_clock(in, p) || !in.literal(" GMT") || !in.done())
    return std::nullopt;
  p.year += p.year < 70 ? 2000 : 1900;
  return time_of(p);
}

std::optional<WallTime> parse_asctime(std::string_view text) {  // Nov  6 08:49:37 1994
  Reader in(text);
  Parts p;
  if (!in.month(p.month) || !in.literal(" ")) return std::nullopt;
  const bool short_day = in.literal(" ");
  if (!read_day(in, short_day ? 1 : 2, p.day) || !in.literal(" ") || !read_clock(in, p) || !in.literal(" ") ||
      !in.number(4, p.year) || !in.done())
    return std::nullopt;
  return time_of(p);
}

}  // namespace

std::string iso8601(WallTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", p.year, p.month, p.day, p.hour, p.minute,
                     p.second, p.millis);
}

std::string iso8601_seconds(WallTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", p.year, p.month, p.day, p.hour, p.minute,
                     p.second);
}

std::string http_date(WallTime time) {
  const Parts p = parts_of(time);
  std::string out = "Thu, 01 Jan 1970 00:00:00 GMT";  // each object's answer has one: made in place
  const auto digits = [&out](std::size_t at, unsigned value) {
    out[at] = static_cast<char>('0' + value / 10 % 10);
    out[at + 1] = static_cast<char>('0' + value % 10);
  };
  kDays[p.weekday].copy(&out[0], 3);
  digits(5, p.day);
  kMonths[p.month - 1].copy(&out[8], 3);
  digits(12, static_cast<unsigned>(p.year) / 100);
  digits(14, static_cast<unsigned>(p.year));
  digits(17, static_cast<unsigned>(p.hour));
  digits(20, static_cast<unsigned>(p.minute));
  digits(23, static_cast<unsigned>(p.second));
  return out;
}

std::string amz_date(WallTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", p.year, p.month, p.day, p.hour, p.minute, p.second);
}

std::optional<WallTime> parse_iso8601(std::string_view text) {
  Reader in(text);
  Parts p;
  int month = 1, day = 1;
  if (!in.number(4, p.year) || !in.literal("-") || !in.number(2, month) || !in.literal("-") ||
      !in.number(2, day))
    return std::nullopt;
  p.month = static_cast<unsigned>(month);
  p.day = static_cast<unsigned>(day);
  if (in.done()) return time_of(p);
  char separator;
  if (!in.one_of("Tt ", separator) || !read_clock(in, p)) return std::nullopt;
  in.fraction(p.millis);
  auto time = time_of(p);
  if (!time || in.done() || in.rest() == "Z" || in.rest() == "z") return time;
  char sign;
  int hours = 0, minutes = 0;
  if (!in.one_of("+-", sign) || !in.number(2, hours)) return std::nullopt;
  in.literal(":");
  if (!in.number(2, minutes) || !in.done()) return std::nullopt;
  const auto offset = std::chrono::minutes(hours * 60 + minutes);
  return sign == '+' ? *time - offset : *time + offset;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (const auto comma = text.find(", "); comma != std::string_view::npos) {
    const auto rest = text.substr(comma + 2);
    if (auto time = parse_rfc1123(rest)) return time;
    return parse_rfc850(rest);
  }
  if (text.size() > 4 && text[3] == ' ') return parse_asctime(text.substr(4));
  return std::nullopt;
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  Reader in(text);
  Parts p;
  int month = 1, day = 1;
  if (!in.number(4, p.year) || !in.number(2, month) || !in.number(2, day) || !in.literal("T") ||
      !in.number(2, p.hour) || !in.number(2, p.minute) || !in.number(2, p.second) || !in.literal("Z") ||
      !in.done())
    return std::nullopt;
  p.month = static_cast<unsigned>(month);
  p.day = static_cast<unsigned>(day);
  return time_of(p);
}

}  // namespace sagelet
