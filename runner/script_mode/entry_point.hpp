#pragma once
// How a framework container starts a script, and what it writes to /opt/ml/output/failure when that goes
// wrong.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/script_mode/last_words.hpp"
#include "runner/script_mode/python_value.hpp"

namespace sagelet::script_mode {

enum class EntryKind { kPackage, kProgram, kCommand };

/// `folder` is the code folder as we see it.
EntryKind kind_of(const std::string& folder, std::string_view name);

/// The text of the ClientError for a name that is not a plain relative path; nullopt for a good one.
std::optional<std::string> entry_point_fault(const python::Value& name);

/// argv; `python` is the interpreter as the script sees it.
std::vector<std::string> script_command(EntryKind kind, const std::string& python, const std::string& name,
                                        const std::vector<std::string>& arguments);
std::vector<std::string> install_command(EntryKind kind, const std::string& python, bool has_requirements);

/// The text of a failed command: "ExecuteUserScriptError:\nExitCode 1\nErrorMessage ..."
std::string called_process_failure(std::string_view error_class, std::string_view exit_code,
                                   std::string_view error_message, std::string_view command);

/// shlex.quote
std::string shell_quote(std::string_view text);

/// Gathers the part of a script's output that names its error, as framework containers do (capture_error).
///
/// Fed line by line; keeps at most 256 KiB a stream.
class ErrorCapture {
 public:
  /// `error_class` is looked for beside Python's own names.
  explicit ErrorCapture(std::string error_class) : error_class_(std::move(error_class)) {}
  enum Stream { kOut = 0, kErr = 1 };
  void line(Stream stream, std::string_view line);
  /// What the toolkit would show.
  std::string text() const;
  /// The same, and where that is nothing because the toolkit does not know the error's name: the program's
  /// last words on stderr.
  std::string text_or_last_words() const;

 private:
  struct Part {
    bool started = false;
    bool seen_any = false;
    std::size_t blank = 0;
    std::string joined;
  };
  bool names_error(std::string_view line) const;
  static void append(Part& part, std::string_view line);

  std::string error_class_;
  std::array<Part, 2> parts_;
  LastWords last_words_;
};

}  // namespace sagelet::script_mode
