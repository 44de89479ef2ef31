#pragma once
// Texts kept on disk and found by number: what a channel lists must not fill the runner's memory.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace sagelet::runner {

/// Two unnamed files, the texts and where each lies; in memory there are two buffers. Written by one thread,
/// then read by any number of them.
class RecordFile {
 public:
  /// In `folder`, of which nothing is left when the object goes.
  static Result<RecordFile> make(const std::string& folder);
  Status add(std::string_view text);
  /// After the last add(), before the first at().
  Status close();
  std::uint32_t size() const { return size_; }
  Result<std::string> at(std::uint32_t i) const;
  /// Orders by `less`, equal ones as they came. Needs 20 bytes of memory a text while it runs.
  Status sort(const std::function<bool(std::string_view, std::string_view)>& less);

 private:
  struct Place {
    std::uint64_t offset, length;
  };
  Status append(const UniqueFd& file, std::string& buffer, std::string_view bytes, std::uint64_t& end);
  Result<std::string> text_at(const Place& place) const;

  UniqueFd texts_, places_;
  std::string text_buffer_, place_buffer_;
  std::uint64_t texts_end_ = 0, places_end_ = 0;  ///< of what was added, buffers included
  std::uint32_t size_ = 0;
};

}  // namespace sagelet::runner
