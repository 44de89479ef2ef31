#pragma once
// RecordIO: the frames that Pipe mode puts around objects when a channel asks for them.
//
// A record: the magic 0xced7230a, a word whose low 29 bits are the length and whose top 3 bits say which part
// of a larger whole it is (0 all, 1 first, 2 middle, 3 last), the payload, zeros up to a multiple of 4; all
// little-endian.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sagelet::runner {

/// Frames one payload whose length is known before its bytes; more than 512 MiB become several parts.
class RecordWriter {
 public:
  static constexpr std::uint64_t kLongestPart = (1u << 29) - 4;

  explicit RecordWriter(std::uint64_t length, std::uint64_t longest_part = kLongestPart);
  /// What goes out for the next bytes of the payload.
  std::string put(std::string_view bytes);
  /// What goes out after the last: padding, or the head of an empty record.
  std::string end();

 private:
  void begin_part(std::string& out);

  const std::uint64_t length_, longest_part_;
  std::uint64_t done_ = 0, left_in_part_ = 0;
  bool begun_ = false;
};

/// One whole record.
std::string record_of(std::string_view payload);
/// The payloads of a stream, parts joined.
Result<std::vector<std::string>> read_records(std::string_view stream);

}  // namespace sagelet::runner
