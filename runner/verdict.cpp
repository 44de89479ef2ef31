#include "runner/verdict.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fmt/format.h"
#include "runner/inputs/pipes.hpp"
#include "runner/script_mode/python_value.hpp"
#include "runner/script_mode/utf8.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kLongestReason = 1024;

std::string hint_for(const Job& job, std::string_view text) {
  if (job.memory.kills() > 0 || job.out_of_memory)
    return fmt::format(". Out of memory at the limit of {} bytes; a larger instance type has more",
                       job.spec.memory_limit);
  if (job.disk_full) return ". The disk that holds /opt/ml is full; Sagelet has it below its data folder";
  if (job.python.empty() || text.find("ModuleNotFoundError") == text.npos) return {};
  return fmt::format(
      ". It ran with {} (Python {}); another interpreter is mapped to this image by images: in sagelet.yaml, "
      "or by "
      "SAGELET_PYTHON",
      job.spec.python, job.python_version);
}

/// Limits of ours are kNoSpace too; the system's own word is that of the disk or a quota.
bool says_disk_is_full(const Error& error) {
  if (!error.is(ErrorKind::kNoSpace)) return false;
  const auto has = [&](int number) {
    return error.message().find(std::strerror(number)) != std::string::npos;
  };
  return has(ENOSPC) || has(EDQUOT);
}

/// A built-in algorithm says itself whose fault it was; else empty.
std::string own_words(const Job& job, std::string_view text, int code) {
  if (job.spec.algorithm.empty()) return {};
  if (!text.starts_with("ClientError: ") && !text.starts_with("AlgorithmError: ")) return {};
  const std::string tail = fmt::format(", exit code: {}", code);
  return std::string(first_code_points(text, kLongestReason - tail.size())) + tail;
}

Report base_report(const Job& job, Outcome outcome) {
  Report report;
  report.phase = Phase::kFinished;
  report.outcome = outcome;
  report.exit_code = job.exit_code.value_or(0);
  report.training_start_ms = job.started_ms;
  report.training_end_ms = job.ended_ms != 0 ? job.ended_ms : to_millis(SystemClock().now());
  report.model_uri = job.model_uri;
  report.metrics = job.metrics.values();
  return report;
}

Report failed(const Job& job, std::string reason) {
  Report report = base_report(job, Outcome::kFailed);
  report.failure_reason = std::move(reason);
  return report;
}

}  // namespace

std::string algorithm_error(std::string_view text, int exit_code, std::string_view hint) {
  const std::string head = "AlgorithmError: ", tail = fmt::format(", exit code: {}{}", exit_code, hint);
  const std::size_t fixed = head.size() + python::length(tail);
  const std::size_t room = fixed < kLongestReason ? kLongestReason - fixed : 0;
  const std::string shown(first_code_points(text, room));
  return head + shown + tail;
}

std::string step_error(Blame blame, const Error& error) {
  const bool full = says_disk_is_full(error);
  if (blame == Blame::kOurs && !full)
    return "InternalServerError: We encountered an internal error. Please try again.";
  const std::string_view what = blame == Blame::kData     ? "Data download failed:"
                                : blame == Blame::kUpload ? "Artifact upload failed:"
                                                          : "";
  const std::string text = full ? "Insufficient disk space" : valid_utf8(error.message());
  return std::string(first_code_points(fmt::format("ClientError: {}{}", what, text), kLongestReason));
}

// A script may leave anything under that name: a fifo would block, a link could lead to our own files.
std::string failure_text(const fs::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat about;
  if (!fd || ::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  std::string bytes(4 * kLongestReason, '\0');
  const auto got = read_some(fd.get(), bytes);
  bytes.resize(got ? *got : 0);
  const std::string text = valid_utf8(trimmed(bytes));
  return std::string(first_code_points(text, kLongestReason));
}

Report verdict_of(const Job& job) {
  if (const auto fault = job.pipes ? job.pipes->fault() : std::nullopt)
    return failed(job, step_error(Blame::kData, *fault));
  if (job.why == Why::kStopped) return base_report(job, Outcome::kStopped);
  if (job.why == Why::kTimeLimit) return base_report(job, Outcome::kMaxRuntimeExceeded);
  const int code = job.exit_code.value_or(1);
  Report report = base_report(job, code == 0 ? Outcome::kCompleted : Outcome::kFailed);
  if (code == 0) return report;
  const std::string text = failure_text(job.ml("output/failure"));
  report.failure_reason = own_words(job, text, code);
  if (report.failure_reason.empty()) report.failure_reason = algorithm_error(text, code, hint_for(job, text));
  return report;
}

Report verdict_of(const Job& job, Blame blame, const Error& error) {
  if (error.is(ErrorKind::kCancelled) && job.stop.requested()) return base_report(job, Outcome::kStopped);
  return failed(job, step_error(blame, error));
}

}  // namespace sagelet::runner
