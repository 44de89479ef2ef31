#include "runner/script_mode/entry_point.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "runner/script_mode/utf8.hpp"

namespace sagelet::script_mode {
namespace {

constexpr std::size_t kCaptureLimit = 256 * 1024;

/// From the toolkit's list of names that open an error message. "Exception" covers "BaseException".
constexpr std::array kErrorNames{"Exception",
                                 "ArithmeticError",
                                 "AssertionError",
                                 "AttributeError",
                                 "BlockingIOError",
                                 "BrokenPipeError",
                                 "BufferError",
                                 "ChildProcessError",
                                 "ConnectionAbortedError",
                                 "ConnectionError",
                                 "ConnectionRefusedError",
                                 "ConnectionResetError",
                                 "EOFError",
                                 "EnvironmentError",
                                 "FileExistsError",
                                 "FileNotFoundError",
                                 "FloatingPointError",
                                 "IOError",
                                 "ImportError",
                                 "IndentationError",
                                 "IndexError",
                                 "InterruptedError",
                                 "IsADirectoryError",
                                 "KeyError",
                                 "LookupError",
                                 "MemoryError",
                                 "ModuleNotFoundError",
                                 "NameError",
                                 "NotADirectoryError",
                                 "NotImplementedError",
                                 "OSError",
                                 "OverflowError",
                                 "PermissionError",
                                 "ProcessLookupError",
                                 "RecursionError",
                                 "ReferenceError",
                                 "RuntimeError",
                                 "SyntaxError",
                                 "SystemError",
                                 "TabError",
                                 "TimeoutError",
                                 "TypeError",
                                 "UnboundLocalError",
                                 "UnicodeDecodeError",
                                 "UnicodeEncodeError",
                                 "UnicodeError",
                                 "UnicodeTranslateError",
                                 "ValueError",
                                 "ZeroDivisionError",
                                 "ResourceExhaustedError",
                                 "OutOfRangeError",
                                 "InvalidArgumentError"};
constexpr std::array kOtherNames{"Invalid requirement", "mpirun.real", "ORTE"};
constexpr std::array kCompilerPaths{"tensorflow/compiler/xla", "tensorflow/compiler/tf2xla",
                                    "tensorflow/python/compiler/xla", "torch_xla/"};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

bool name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("._+-").find(c) != std::string_view::npos;
}

/// ^[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*$ where, as in Python, $ stands before a last newline
/// too.
bool plain_path(std::string_view name) {
  if (name.ends_with('\n')) name.remove_suffix(1);
  if (name.empty() || name[0] == '+' || name[0] == '-' || name[0] == '/') return false;
  char before = 'x';
  for (const char c : name) {
    if (c == '/' ? before == '/' : !name_character(c)) return false;
    before = c;
  }
  return before != '/';
}

std::string unsupported_characters(std::string_view name) {
  std::set<char32_t> characters;
  while (!name.empty()) {
    const char32_t code = python::next_code_point(name);
    if (code >= 0x80 || (code != '/' && !name_character(static_cast<char>(code)))) characters.insert(code);
  }
  std::string out;
  for (const char32_t code : characters) {
    std::string one;
    python::append_code_point(one, code);
    out += (out.empty() ? "" : ", ") + python::repr_text(one);
  }
  return out;
}

std::string refused_name(const std::string& name) {
  std::string detail = "an unsupported character at the start of the name";
  if (const std::string characters = unsupported_characters(name); !characters.empty())
    detail = "the character(s) " + characters;
  else if (name[0] == '-')
    detail = "a leading '-', which is read as a command-line option";
  else if (name[0] == '/')
    detail = "a leading '/', which makes it an absolute path";
  return "The training entry point " + python::repr_text(name) + " cannot be used because it contains " +
         detail +
         ". Rename the script so its name contains only letters, digits, '.', '_', '+', '-' and '/', and "
         "does not "
         "start with '-' or '/', then set the 'sagemaker_program' hyperparameter (or ContainerEntrypoint) to "
         "the new "
         "name -- for example 'train.py' or 'bin/train.sh'.";
}

bool has_dot_segment(std::string_view name) {
  while (true) {
    const auto slash = name.find('/');
    const auto segment = name.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == name.npos) return false;
    name.remove_prefix(slash + 1);
  }
}

std::string_view stripped(std::string_view text, std::string_view characters) {
  const auto first = text.find_first_not_of(characters);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(characters) - first + 1);
}

constexpr std::string_view kBlanks = " \t\n\r\v\f\x1c\x1d\x1e\x1f";

}  // namespace

EntryKind kind_of(const std::string& folder, std::string_view name) {
  struct stat ignored;
  if (name.ends_with(".sh")) return EntryKind::kCommand;
  if (::lstat((folder + "/setup.py").c_str(), &ignored) == 0) return EntryKind::kPackage;
  return name.ends_with(".py") ? EntryKind::kProgram : EntryKind::kCommand;
}

std::optional<std::string> entry_point_fault(const python::Value& value) {
  const std::string* name = value.as<std::string>();
  if (!value.truthy())
    return "The training entry point name is empty. Set the 'sagemaker_program' hyperparameter (or "
           "ContainerEntrypoint) to the name of the script to run, relative to your source directory -- for "
           "example "
           "'train.py' or 'train.sh'.";
  if (!name)
    return "Framework Error: \nTypeError: expected string or bytes-like object, got " + python::repr(value);
  if (!plain_path(*name)) return refused_name(*name);
  if (has_dot_segment(*name))
    return "The training entry point " + python::repr_text(*name) +
           " cannot be used because it contains '.' or '..' path segments. The entry point must be a path "
           "inside your "
           "source directory. Set the 'sagemaker_program' hyperparameter (or ContainerEntrypoint) to a path "
           "relative "
           "to that directory -- for example 'train.py' or 'bin/train.sh'.";
  return std::nullopt;
}

std::vector<std::string> script_command(EntryKind kind, const std::string& python, const std::string& name,
                                        const std::vector<std::string>& arguments) {
  if (kind == EntryKind::kCommand) {
    std::string line = "./" + shell_quote(name) + " ";
    for (std::size_t i = 0; i < arguments.size(); ++i) line += (i > 0 ? " " : "") + shell_quote(arguments[i]);
    return {"/bin/sh", "-c", line};
  }
  std::vector<std::string> argv{python};
  if (kind == EntryKind::kPackage) {
    argv.insert(argv.end(), {"-m", name.ends_with(".py") ? name.substr(0, name.size() - 3) : name});
  } else {
    argv.insert(argv.end(), {"--", name});
  }
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::string> install_command(EntryKind kind, const std::string& python, bool has_requirements) {
  std::vector<std::string> argv{python, "-m", "pip", "install"};
  if (kind == EntryKind::kPackage) argv.emplace_back(".");
  if (has_requirements) argv.insert(argv.end(), {"-r", "requirements.txt"});
  return argv;
}

std::string called_process_failure(std::string_view error_class, std::string_view exit_code,
                                   std::string_view error_message, std::string_view command) {
  const bool compiler = std::any_of(kCompilerPaths.begin(), kCompilerPaths.end(),
                                    [&](const char* path) { return has(error_message, path); });
  std::string_view info;
  if (exit_code == "137") info = "OutOfMemory: Process killed by SIGKILL (signal 9)";
  if (compiler) info = "SMTrainingCompiler Error: Error occurred in SMTrainingCompiler.";
  std::string text(error_class);
  text.append(":\nExitCode ")
      .append(exit_code)
      .append("\nErrorMessage \"")
      .append(error_message)
      .append("\"");
  if (!info.empty()) text.append("\nExtraInfo \"").append(info).append("\"");
  text.append("\nCommand \"").append(command).append("\"");
  return text;
}

std::string shell_quote(std::string_view text) {
  if (text.empty()) return "''";
  const bool safe = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
  });
  if (safe) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\"'\"'") : std::string(1, c);
  return out + "'";
}

bool ErrorCapture::names_error(std::string_view line) const {
  const auto named = [&](const char* name) { return has(line, name); };
  if (std::any_of(kOtherNames.begin(), kOtherNames.end(), named)) return true;
  if (!has(line, "Error") && !has(line, "Exception")) return false;
  return has(line, error_class_) || std::any_of(kErrorNames.begin(), kErrorNames.end(), named);
}

void ErrorCapture::append(Part& part, std::string_view line) {
  if (part.joined.size() + line.size() > kCaptureLimit) return;
  if (!part.joined.empty()) part.joined += ' ';
  part.joined.append(line).append("\n");
}

// The toolkit reads chunks of up to 64 KiB and strips blanks off each chunk's ends; where chunks end depends
// on timing. Here a whole stream counts as one chunk: blank lines are kept back until something follows them.
void ErrorCapture::line(Stream stream, std::string_view raw) {
  Part& part = parts_[stream];
  if (stream == kErr) last_words_.line(raw);
  if (stripped(raw, kBlanks).empty()) {
    if (part.seen_any) ++part.blank;
    return;
  }
  part.seen_any = true;
  std::string repaired;
  if (!is_utf8(raw)) raw = repaired = valid_utf8(raw);
  if (part.started)
    for (std::size_t i = 0; i < std::min<std::size_t>(part.blank, 1); ++i) append(part, "");
  part.blank = 0;
  if (!part.started) part.started = names_error(raw);
  if (part.started) append(part, stripped(raw, " :\n"));
}

std::string ErrorCapture::text() const {
  const std::string both = parts_[kOut].joined + " " + parts_[kErr].joined;
  std::string out;
  std::set<std::string_view> seen;
  std::string_view rest = both;
  for (bool more = true; more;) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    if (seen.insert(line).second) out.append(out.empty() && seen.size() == 1 ? "" : "\n").append(line);
    more = end != rest.npos;
    if (more) rest.remove_prefix(end + 1);
  }
  return std::string(stripped(out, kBlanks));
}

std::string ErrorCapture::text_or_last_words() const {
  std::string found = text();
  return found.empty() ? last_words_.text() : found;
}

}  // namespace sagelet::script_mode
