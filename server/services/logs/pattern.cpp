#include "server/services/logs/pattern.hpp"

#include <algorithm>

namespace sagelet::logs {

namespace {

/// Takes the next term, quoted or not, off the front of `text`. kInvalid: a quote is not closed.
Result<std::string> take_term(std::string_view& text) {
  if (!text.starts_with('"')) {
    const auto end = std::min(text.find(' '), text.size());
    std::string term(text.substr(0, end));
    text.remove_prefix(end);
    return term;
  }
  std::string term;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return term;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    term += text[i];
  }
  return Error(ErrorKind::kInvalid, "Invalid filter pattern: a quotation mark is not closed");
}

bool has(std::string_view message, const std::string& term) {
  return message.find(term) != std::string_view::npos;
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
  Pattern pattern;
  while (true) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) return pattern;
    const char first = text.front();
    if (first == '{' || first == '[' || first == '%')
      return Error(
          ErrorKind::kInvalid,
          "Invalid filter pattern: this server knows patterns of terms only, not JSON, columns or regular "
          "expressions");
    auto& terms = first == '-' ? pattern.none_ : (first == '?' ? pattern.any_ : pattern.all_);
    if (first == '-' || first == '?') text.remove_prefix(1);
    TRY(auto term, take_term(text));
    if (!term.empty()) terms.push_back(std::move(term));
  }
}

bool Pattern::matches(std::string_view message) const {
  const auto in_message = [&](const std::string& term) { return has(message, term); };
  return std::all_of(all_.begin(), all_.end(), in_message) &&
         std::none_of(none_.begin(), none_.end(), in_message) &&
         (any_.empty() || std::any_of(any_.begin(), any_.end(), in_message));
}

}  // namespace sagelet::logs
