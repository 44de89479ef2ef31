#pragma once
// Where in a request something is, spelled as AWS does: inputDataConfig.1.member.channelName
#include <cstddef>
#include <string>
#include <string_view>

namespace sagelet::model {

class Path {
 public:
  /// Gives back what truncate() takes.
  std::size_t push_member(std::string_view name) {
    const std::size_t before = dot();
    text_.append(name);
    char& first = text_[text_.size() - name.size()];
    if (!name.empty() && first >= 'A' && first <= 'Z') first = static_cast<char>(first - 'A' + 'a');
    return before;
  }
  /// `number` counts from 1.
  std::size_t push_item(std::size_t number) {
    const std::size_t before = dot();
    text_ += std::to_string(number) + ".member";
    return before;
  }
  std::size_t push_key(std::string_view key) {
    const std::size_t before = dot();
    text_.append(key).append(".member");
    return before;
  }
  void truncate(std::size_t length) { text_.resize(length); }
  const std::string& text() const { return text_; }

 private:
  std::size_t dot() {
    const std::size_t before = text_.size();
    if (before > 0) text_ += '.';
    return before;
  }
  std::string text_;
};

}  // namespace sagelet::model
