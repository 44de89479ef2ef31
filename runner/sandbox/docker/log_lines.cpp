#include "runner/sandbox/docker/log_lines.hpp"

#include <cctype>
#include <ctime>

namespace sagelet::runner {
namespace {

constexpr std::size_t kLongestLine = 262144 - 32;  // the watcher cuts at 256 KiB, the time included

std::string name_of(const client::LogEntry& entry) {
  return std::string(entry.stamp) + (entry.stream == client::LogEntry::kErr ? " 2 " : " 1 ") +
         std::to_string(entry.text.size());
}

}  // namespace

std::int64_t millis_of(std::string_view stamp) {
  std::tm time{};
  const std::string text(stamp);
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return 0;
  std::int64_t millis = static_cast<std::int64_t>(::timegm(&time)) * 1000;
  if (*rest != '.') return millis;
  int scale = 100;
  for (++rest; scale > 0 && std::isdigit(static_cast<unsigned char>(*rest)); ++rest, scale /= 10)
    millis += (*rest - '0') * scale;
  return millis;
}

Status LogLines::entry(const client::LogEntry& entry) {
  if (++passed_ <= seen_) return {};
  ++seen_;
  newest_ = name_of(entry);
  Rest& rest = rests_[entry.stream == client::LogEntry::kErr ? 1 : 0];
  if (rest.text.empty()) rest.time_ms = millis_of(entry.stamp);
  const bool whole = entry.text.ends_with('\n');
  rest.text += entry.text.substr(0, entry.text.size() - (whole ? 1 : 0));
  if (whole || rest.text.size() >= kLongestLine) return hand_on(rest);
  return {};
}

bool LogLines::ends_with(const client::LogEntry& entry) const {
  return newest_ == name_of(entry);
}

Status LogLines::hand_on(Rest& rest) {
  const std::string text = std::exchange(rest.text, {});
  std::string_view left = text;
  do {  // an empty line is a line
    TRY(sink_(rest.time_ms, left.substr(0, kLongestLine)));
    left.remove_prefix(std::min(left.size(), kLongestLine));
  } while (!left.empty());
  return {};
}

Status LogLines::end() {
  for (Rest& rest : rests_)
    if (!rest.text.empty()) TRY(hand_on(rest));
  return {};
}

}  // namespace sagelet::runner
