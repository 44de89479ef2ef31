// The engine's log stream: however it is cut, the same entries come out of it, up to what is no frame.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "client/docker.hpp"

namespace {

struct Read {
  sagelet::client::LogFrames frames;
  std::string entries;
  bool good = true;

  void feed(std::string_view bytes) {
    const auto sink = [this](const sagelet::client::LogEntry& entry) {
      entries.append(std::to_string(entry.stream)).append(entry.stamp).append(" ").append(entry.text);
      return sagelet::Status();
    };
    if (good) good = frames.feed(bytes, sink).has_value();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Read whole, halves;
  whole.feed(bytes);
  halves.feed(bytes.substr(0, size / 2));
  halves.feed(bytes.substr(size / 2));
  if (whole.good != halves.good || whole.entries != halves.entries) std::abort();
  return 0;
}
