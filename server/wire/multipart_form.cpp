#include "server/wire/multipart_form.hpp"

#include <algorithm>

#include "base/fs.hpp"

namespace sagelet::wire {

namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kLongestBoundary = 70;  // RFC 2046

Error malformed(std::string_view what) {
  return Error(ErrorKind::kInvalid, std::string(what));
}

/// Takes `name="value"` or `name=value` off a header's parameters. Only `\"` is an escape: some browsers send
/// paths with backslashes in them.
struct Parameter {
  std::string_view name;
  std::string value;
};

std::string take_quoted(std::string_view& text) {
  std::string value;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '"') ++at;
    value += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return value;
}

std::optional<Parameter> take_parameter(std::string_view& text) {
  const auto start = text.find_first_not_of("; \t");
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start);
  const auto end = std::min(text.find_first_of("=;"), text.size());
  Parameter parameter{.name = trimmed(text.substr(0, end)), .value = {}};
  text.remove_prefix(end);
  if (text.empty() || text.front() != '=') return parameter;
  text = trimmed(text.substr(1));
  if (text.starts_with('"')) {
    parameter.value = take_quoted(text);
  } else {
    const auto stop = std::min(text.find(';'), text.size());
    parameter.value = trimmed(text.substr(0, stop));
    text.remove_prefix(stop);
  }
  return parameter;
}

/// The value of a header in a part's head, which is lines of "\r\n".
std::string_view header_in(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && http::same_name(trimmed(line.substr(0, colon)), name))
      return trimmed(line.substr(colon + 1));
  }
  return {};
}

bool takes_type(std::string_view& value, std::string_view type) {
  const auto end = std::min(value.find(';'), value.size());
  const bool same = http::same_name(trimmed(value.substr(0, end)), type);
  value.remove_prefix(end);
  return same;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  if (!takes_type(content_type, "multipart/form-data")) return std::nullopt;
  while (auto parameter = take_parameter(content_type)) {
    if (!http::same_name(parameter->name, "boundary")) continue;
    const bool usable = !parameter->value.empty() && parameter->value.size() <= kLongestBoundary &&
                        std::all_of(parameter->value.begin(), parameter->value.end(),
                                    [](unsigned char c) { return c >= ' ' && c < 0x7f; });
    return usable ? std::optional(std::move(parameter->value)) : std::nullopt;
  }
  return std::nullopt;
}

MultipartForm::MultipartForm(std::string_view boundary, File file)
    : delimiter_("\r\n--" + std::string(boundary)), file_(std::move(file)) {}

Status MultipartForm::feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::kDone)
    TRY(state_ == State::kHead ? read_head(bytes) : read_content(bytes));
  return {};
}

Status MultipartForm::finish() const {
  if (state_ != State::kDone) return malformed("the form ends inside of a part");
  return {};
}

/// Behind a delimiter stands "--" at the form's end, else a line's end and the part's headers.
Status MultipartForm::read_head(std::string_view& bytes) {
  while (!bytes.empty()) {
    head_ += bytes.front();
    bytes.remove_prefix(1);
    TRY(spend(1));
    if (head_ == "--") {
      state_ = State::kDone;
      return {};
    }
    if (head_.ends_with(kEndOfHead)) return begin_part();
  }
  return {};
}

Status MultipartForm::begin_part() {
  std::string_view disposition = header_in(head_, "content-disposition");
  if (!takes_type(disposition, "form-data")) return malformed("a part of the form is no form-data");
  name_.clear();
  value_.clear();
  std::string filename;
  while (auto parameter = take_parameter(disposition)) {
    if (http::same_name(parameter->name, "name")) name_ = std::move(parameter->value);
    if (http::same_name(parameter->name, "filename")) filename = std::move(parameter->value);
  }
  if (name_.empty()) return malformed("a part of the form has no name");
  state_ = State::kField;
  if (!http::same_name(name_, "file")) return {};
  state_ = State::kFile;
  has_file_ = true;
  return file_.begins(std::move(filename));
}

/// Content goes up to the next delimiter, which may lie across two pieces of the body.
Status MultipartForm::read_content(std::string_view& bytes) {
  if (!held_.empty()) {
    const std::size_t before = held_.size();
    held_.append(bytes.substr(0, delimiter_.size()));  // enough to know whether one begins in what was held
    const std::string seen = std::move(held_);
    held_.clear();
    if (const auto at = seen.find(delimiter_); at != std::string::npos) {
      bytes.remove_prefix(at + delimiter_.size() - before);
      TRY(deliver(std::string_view(seen).substr(0, at)));
      end_content();
      return {};
    }
    if (bytes.size() <= delimiter_.size()) {
      bytes = {};
      held_ = seen.substr(seen.size() - begun_delimiter(seen));
      return deliver(std::string_view(seen).substr(0, seen.size() - held_.size()));
    }
    TRY(deliver(std::string_view(seen).substr(0, before)));
  }
  const auto at = bytes.find(delimiter_);
  if (at == std::string_view::npos) {
    held_ = bytes.substr(bytes.size() - begun_delimiter(bytes));
    const auto content = bytes.substr(0, bytes.size() - held_.size());
    bytes = {};
    return deliver(content);
  }
  const auto content = bytes.substr(0, at);
  bytes.remove_prefix(at + delimiter_.size());
  TRY(deliver(content));
  end_content();
  return {};
}

/// How much of the text's end may be the beginning of a delimiter, which has one "\r", its first byte.
std::size_t MultipartForm::begun_delimiter(std::string_view text) const {
  const auto at = text.rfind('\r');
  if (at == std::string_view::npos || text.size() - at >= delimiter_.size()) return 0;
  return delimiter_.starts_with(text.substr(at)) ? text.size() - at : 0;
}

void MultipartForm::end_content() {
  if (state_ == State::kField) fields_.add(std::move(name_), std::move(value_));
  state_ = state_ == State::kFile ? State::kDone : State::kHead;
  head_.clear();
}

Status MultipartForm::deliver(std::string_view content) {
  if (content.empty()) return {};
  if (state_ == State::kFile) return file_.bytes(content);
  TRY(spend(content.size()));
  if (state_ == State::kField) value_.append(content);
  return {};
}

Status MultipartForm::spend(std::size_t bytes) {
  spent_ += bytes;
  if (spent_ <= kMostFields) return {};
  return Error(ErrorKind::kNoSpace, "the form's fields are too large");
}

}  // namespace sagelet::wire
