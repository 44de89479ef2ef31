#pragma once
// One GET of the upstream under way on a thread of its own: our client reads it while it is being kept.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/http/body.hpp"
#include "server/services/s3/upstream/remote.hpp"

namespace sagelet::s3::upstream {

/// The threads of fetches; its end waits for them, having told them to give up.
class Fetches {
 public:
  ~Fetches();
  void start(std::function<void()> work);
  bool stopping() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

/// What is done with the bytes besides handing them on. `kept` is called when all have come well, before the
/// reader gets the last of them.
struct Keeping {
  std::function<void(std::string_view)> bytes;
  std::function<void()> kept;
};

/// A reader that falls behind slows the upstream down; one that goes away does not end a fetch that is kept.
class Fetch final : public http::PullStream {
 public:
  /// Waits for the answer's head. An answer that is not 2xx is its error.
  static Reply<std::shared_ptr<Fetch>> begin(Remote& remote, Fetches& fetches, client::Request request,
                                             std::string bucket, std::string key,
                                             std::optional<Keeping> keeping);
  ~Fetch() override;

  Result<std::size_t> read(std::span<char> buffer) override;
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  struct State;
  explicit Fetch(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
  std::uint64_t length_ = 0;
  std::string piece_;
  std::size_t taken_ = 0;
};

}  // namespace sagelet::s3::upstream
