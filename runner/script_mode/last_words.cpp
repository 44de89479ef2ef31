#include "runner/script_mode/last_words.hpp"

#include "base/fs.hpp"
#include "runner/script_mode/utf8.hpp"

namespace sagelet::script_mode {
namespace {

constexpr std::size_t kLongest = 4096;
constexpr std::size_t kMostLines = 20;  // of a message; what follows more is an ordinary log again

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

}  // namespace

void LastWords::line(std::string_view raw) {
  const std::string_view line = without_end(raw);
  if (line.ends_with("Traceback (most recent call last):")) {
    at_ = At::kFrames;
    return;
  }
  if (trimmed(line).empty()) return;
  if (at_ == At::kFrames && line.front() == ' ') return;
  const bool goes_on = at_ == At::kMessage && lines_ < kMostLines;
  if (at_ == At::kFrames) {
    at_ = At::kMessage;
    lines_ = 0;
  } else if (!goes_on) {
    at_ = At::kAnywhere;
  }
  ++lines_;
  const std::string shown = is_utf8(line) ? std::string(line) : valid_utf8(line);
  if (!goes_on)
    text_ = shown;
  else if (text_.size() < kLongest)
    text_ += "\n" + shown;
  if (text_.size() > kLongest) text_ = std::string(first_code_points(text_, kLongest / 4));
}

}  // namespace sagelet::script_mode
