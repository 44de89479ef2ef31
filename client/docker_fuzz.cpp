#include <cstddef>
#include <cstdint>

#include "client/docker.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sagelet::client::LogFrames frames;
  const auto sink = [](const sagelet::client::LogEntry&) { return sagelet::Status(); };
  if (frames.feed(bytes.substr(0, size / 2), sink)) (void)frames.feed(bytes.substr(size / 2), sink);
  return 0;
}
