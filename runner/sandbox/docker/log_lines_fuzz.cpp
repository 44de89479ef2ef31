// Lines out of the engine's log entries: none is longer than the watcher takes, and from the start again
// nothing comes twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runner/sandbox/docker/log_lines.hpp"

namespace {

constexpr std::size_t kLongest = 256 * 1024;

sagelet::Status feed(sagelet::runner::LogLines& lines, std::string_view bytes) {
  sagelet::client::LogFrames frames;
  return frames.feed(bytes, [&](const sagelet::client::LogEntry& entry) {
    (void)sagelet::runner::millis_of(entry.stamp);
    return lines.entry(entry);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t seen = 0;
  sagelet::runner::LogLines lines([&](std::int64_t, std::string_view line) {
    if (line.size() > kLongest) std::abort();
    ++seen;
    return sagelet::Status();
  });
  (void)feed(lines, bytes);
  const auto once = seen;
  lines.again();
  (void)feed(lines, bytes);
  if (seen != once) std::abort();
  (void)lines.end();
  return 0;
}
