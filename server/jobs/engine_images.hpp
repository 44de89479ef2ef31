#pragma once
// What the local docker engine has, asked when a job is created and remembered for a moment.
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sagelet::jobs {

/// Any thread. No lock is held while the engine is asked.
class EngineImages {
 public:
  enum class Answer { kHas, kHasNot, kNoEngine };
  /// `socket`: where the engine is, empty: nowhere; asked anew each time (tests; else client::engine_socket).
  explicit EngineImages(std::function<std::string()> socket = {});

  std::string socket() const;
  /// An engine that does not answer is not asked again for half a minute: jobs that do not need it do not
  /// wait for it.
  Answer look(const std::string& image);
  /// For an image that nothing else can stand for: one that is busy is waited for longer, and asked even if
  /// it did not answer before.
  Answer insist(const std::string& image);
  /// Why look() said kNoEngine.
  std::string why() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Remembered {
    Answer answer;
    Time until;
  };
  Answer look(const std::string& image, std::chrono::milliseconds patience, bool even_silent);
  Answer ask(const std::string& image, std::chrono::milliseconds patience, std::chrono::milliseconds& keep);

  std::function<std::string()> socket_;
  mutable std::mutex mutex_;
  std::map<std::string, Remembered> known_;
  Time silent_until_{};
  std::string why_;
};

}  // namespace sagelet::jobs
