#pragma once
// Runs one command in the sandbox and watches it: output, stop, time limit.
#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "runner/sandbox/sandbox.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

enum class Why { kItself, kStopped, kTimeLimit };

struct Execution {
  Ended ended;
  Why why = Why::kItself;  ///< what made it end
};

/// Called on the watching thread.
struct Watcher {
  enum Stream { kOut = 0, kErr = 1 };
  std::function<void(Stream, std::string_view)> line;  ///< without its newline
  std::function<void()> idle = [] {};                  ///< no more lines at hand
  const StopSignal* stop = nullptr;
  std::optional<SteadyTime> deadline;
  Why asked_before = Why::kItself;             ///< by a runner before us
  std::function<void(Why)> asks = [](Why) {};  ///< before the command is asked to end
  std::chrono::milliseconds grace{120000};     ///< between SIGTERM and SIGKILL
};

/// Cuts a stream into lines of at most 256 KiB.
class LineCutter {
 public:
  void feed(std::string_view bytes, const std::function<void(std::string_view)>& line);
  void end(const std::function<void(std::string_view)>& line);

 private:
  std::string rest_;
};

Result<Execution> execute(Sandbox& sandbox, const Command& command, const Watcher& watcher);

}  // namespace sagelet::runner
