#pragma once
// What a body is. A handler says it; server/net sends or fills it.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace sagelet::http {

/// Bytes of an open file; net uses sendfile for large ones. `owner` keeps the descriptor (or a cache entry)
/// alive.
struct FileRange {
  std::shared_ptr<const UniqueFd> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Pulled by net, a piece at a time, on a thread that may wait. Length unknown: sent chunked.
class PullStream {
 public:
  virtual ~PullStream() = default;
  virtual Result<std::size_t> read(std::span<char> buffer) = 0;  ///< 0 = end
  virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
};

/// Empty (monostate), bytes, a file's range, a stream.
using Body = std::variant<std::monostate, std::string, FileRange, std::shared_ptr<PullStream>>;

/// Its length when that is known without reading.
std::optional<std::uint64_t> length_of(const Body& body);

/// Where a request's streaming body goes, decided after the head. Called from one thread at a time.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Status write(std::string_view bytes) = 0;
};

}  // namespace sagelet::http
