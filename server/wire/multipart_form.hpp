#pragma once
// multipart/form-data (RFC 7578), read as its bytes come: fields into memory, the file handed on.
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "server/http/headers.hpp"

namespace sagelet::wire {

/// The boundary that a Content-Type names; nullopt when it is not multipart/form-data with a usable one.
std::optional<std::string> form_boundary(std::string_view content_type);

/// S3's rules for such a body: the part "file" is the file, every other part is a field even if it has a
/// filename, and what follows the file is passed over. Field names compare without regard to case.
///
/// kInvalid: not well-formed. kNoSpace: what stands before the file is larger than kMostFields.
class MultipartForm {
 public:
  static constexpr std::size_t kMostFields = 20 * 1024;

  /// Called in this order; an error of theirs ends the reading.
  struct File {
    std::function<Status(std::string filename)> begins;  ///< fields() is complete
    std::function<Status(std::string_view)> bytes;
  };

  MultipartForm(std::string_view boundary, File file);
  Status feed(std::string_view bytes);
  /// The end of the body: kInvalid when a part is still open.
  Status finish() const;

  bool has_file() const { return has_file_; }
  const http::Headers& fields() const { return fields_; }

 private:
  enum class State { kPreamble, kHead, kField, kFile, kDone };

  Status read_head(std::string_view& bytes);
  Status read_content(std::string_view& bytes);
  Status begin_part();
  void end_content();
  Status deliver(std::string_view content);
  Status spend(std::size_t bytes);
  std::size_t begun_delimiter(std::string_view text) const;

  const std::string delimiter_;  ///< "\r\n--boundary"
  File file_;
  State state_ = State::kPreamble;
  std::string held_ =
      "\r\n";                 ///< may be the beginning of a delimiter; the first one stands on the first line
  std::string head_;          ///< what follows a delimiter, up to the empty line
  std::string name_, value_;  ///< of the field that is being read
  std::size_t spent_ = 0;
  bool has_file_ = false;
  http::Headers fields_;
};

}  // namespace sagelet::wire
