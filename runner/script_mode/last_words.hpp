#pragma once
// What a program wrote last on stderr, as a person would quote it: the error of its last traceback, else its
// last line.
#include <cstddef>
#include <string>
#include <string_view>

namespace sagelet::script_mode {

/// Fed line by line; keeps at most 4 KiB. Needs no list of names, so it finds errors that a script or a
/// library defines itself ("botocore.exceptions.ClientError: ...").
class LastWords {
 public:
  void line(std::string_view line);
  const std::string& text() const { return text_; }

 private:
  enum class At { kAnywhere, kFrames, kMessage };
  At at_ = At::kAnywhere;
  std::size_t lines_ = 0;  ///< of the message
  std::string text_;
};

}  // namespace sagelet::script_mode
