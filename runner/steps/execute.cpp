#include "runner/steps/execute.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kLongestLine = 262144;
constexpr std::chrono::seconds kDrainTime{2};  // after the last process is gone

/// A pipe's reading end and the line that is not whole yet.
struct Source {
  Pipe pipe;
  LineCutter cutter;
};

class Watch {
 public:
  Watch(Sandbox& sandbox, const Watcher& watcher)
      : sandbox_(sandbox), watcher_(watcher), buffer_(1 << 16, '\0') {}

  Result<Execution> run(const Command& command) {
    for (Source& source : sources_) {
      TRY(source.pipe, make_pipe());
      ::fcntl(source.pipe.read.get(), F_SETFL, O_NONBLOCK);
    }
    TRY(sandbox_.start(command, sources_[0].pipe.write.get(), sources_[1].pipe.write.get()));
    for (Source& source : sources_) source.pipe.write.reset();
    if (watcher_.asked_before != Why::kItself) ask_to_end(watcher_.asked_before);
    while (!ended_) step();
    drain();
    return execution_;
  }

 private:
  void step() {
    enum { kSandbox, kStop, kOut, kErr };
    std::array<pollfd, 4> fds{{{sandbox_.fd(), POLLIN, 0},
                               {watcher_.stop && !asked_ ? watcher_.stop->fd() : -1, POLLIN, 0},
                               {sources_[0].pipe.read.get(), POLLIN, 0},
                               {sources_[1].pipe.read.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), milliseconds_left());
    for (const int i : {0, 1})
      if (fds[static_cast<std::size_t>(kOut + i)].revents) read_some_of(i);
    watcher_.idle();
    if (fds[kStop].revents) ask_to_end(Why::kStopped);
    if (fds[kSandbox].revents) {
      execution_.ended = sandbox_.ended();
      ended_ = true;
    }
    look_at_clock();
  }

  int milliseconds_left() const {
    const auto until = asked_ ? kill_at_ : watcher_.deadline;
    if (!until) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000000000));
  }

  void look_at_clock() {
    const auto now = std::chrono::steady_clock::now();
    if (!asked_ && watcher_.deadline && now >= *watcher_.deadline) ask_to_end(Why::kTimeLimit);
    if (kill_at_ && now >= *kill_at_) {
      sandbox_.signal(SIGKILL);
      kill_at_.reset();
    }
  }

  void ask_to_end(Why why) {
    asked_ = true;
    execution_.why = why;
    watcher_.asks(why);
    sandbox_.signal(SIGTERM);
    kill_at_ = std::chrono::steady_clock::now() + watcher_.grace;
  }

  /// False at the end of the stream.
  bool read_some_of(int i) {
    Source& source = sources_[static_cast<std::size_t>(i)];
    const auto sink = [&](std::string_view line) { watcher_.line(static_cast<Watcher::Stream>(i), line); };
    const ssize_t got = ::read(source.pipe.read.get(), buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got > 0) {
      source.cutter.feed({buffer_.data(), static_cast<std::size_t>(got)}, sink);
      return true;
    }
    source.cutter.end(sink);
    source.pipe.read.reset();
    return false;
  }

  /// No process of the command is left, so both streams end; the limit is for a descriptor that went
  /// elsewhere.
  void drain() {
    const auto until = std::chrono::steady_clock::now() + kDrainTime;
    while (std::chrono::steady_clock::now() < until) {
      std::array<pollfd, 2> fds{
          {{sources_[0].pipe.read.get(), POLLIN, 0}, {sources_[1].pipe.read.get(), POLLIN, 0}}};
      if (fds[0].fd < 0 && fds[1].fd < 0) break;
      ::poll(fds.data(), fds.size(), static_cast<int>(kDrainTime.count() * 1000));
      for (const int i : {0, 1})
        if (fds[static_cast<std::size_t>(i)].revents) read_some_of(i);
    }
    watcher_.idle();
  }

  Sandbox& sandbox_;
  const Watcher& watcher_;
  std::string buffer_;
  std::array<Source, 2> sources_;
  Execution execution_;
  bool ended_ = false, asked_ = false;
  std::optional<SteadyTime> kill_at_;
};

}  // namespace

void LineCutter::feed(std::string_view bytes, const std::function<void(std::string_view)>& line) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const auto part = bytes.substr(0, newline);
    const bool whole = newline != bytes.npos;
    bytes.remove_prefix(whole ? newline + 1 : bytes.size());
    if (rest_.empty() && whole && part.size() <= kLongestLine) {
      line(part);
      continue;
    }
    rest_ += part;
    while (rest_.size() > kLongestLine) {
      line(std::string_view(rest_).substr(0, kLongestLine));
      rest_.erase(0, kLongestLine);
    }
    if (whole) {
      line(rest_);
      rest_.clear();
    }
  }
}

void LineCutter::end(const std::function<void(std::string_view)>& line) {
  if (!rest_.empty()) line(rest_);
  rest_.clear();
}

Result<Execution> execute(Sandbox& sandbox, const Command& command, const Watcher& watcher) {
  return Watch(sandbox, watcher).run(command);
}

}  // namespace sagelet::runner
