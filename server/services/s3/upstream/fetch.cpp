#include "server/services/s3/upstream/fetch.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

namespace sagelet::s3::upstream {

namespace {

constexpr std::size_t kAhead = 4u << 20;  ///< bytes that the reader may be behind
constexpr std::chrono::milliseconds kLook{200};

}  // namespace

Fetches::~Fetches() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  ended_.wait(lock, [&] { return running_ == 0; });
}

void Fetches::start(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  std::thread([this, work = std::move(work)]() mutable {
    work();
    work = nullptr;  // what it holds goes before we count as ended
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }).detach();
}

bool Fetches::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

struct Fetch::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Reply<client::Response>> answer;  ///< its head, once that is there
  std::deque<std::string> pieces;
  std::size_t queued = 0;
  bool ended = false, reader_gone = false;
  std::optional<Error> failure;  ///< it broke off after the head
  std::optional<Keeping> keeping;
  std::string held;  ///< the newest piece, held back until all is kept
  std::uint64_t seen = 0;

  void begun(const client::Response& head) {
    const std::lock_guard lock(mutex);
    answer.emplace(head);
    changed.notify_all();
  }

  Status take(std::string_view bytes, const Fetches& fetches) {
    if (keeping) keeping->bytes(bytes);
    seen += bytes.size();
    std::unique_lock lock(mutex);
    while (queued >= kAhead && !reader_gone && !fetches.stopping()) changed.wait_for(lock, kLook);
    if (fetches.stopping() || (reader_gone && !keeping))
      return Error(ErrorKind::kCancelled, "nobody wants it");
    if (reader_gone) return {};
    if (!held.empty()) push(std::move(held));
    held = bytes;
    return {};
  }

  /// Under the mutex.
  void push(std::string piece) {
    queued += piece.size();
    pieces.push_back(std::move(piece));
    changed.notify_all();
  }

  void end(Reply<client::Response> result) {
    const bool whole = result && good(*result) && result->header("content-length") == std::to_string(seen);
    if (whole && keeping) keeping->kept();
    const std::lock_guard lock(mutex);
    if (!answer)
      answer.emplace(std::move(result));
    else if (!result)
      failure = Error(ErrorKind::kUnavailable, result.error().message);
    if (!held.empty() && !failure) push(std::move(held));
    ended = true;
    changed.notify_all();
  }
};

Reply<std::shared_ptr<Fetch>> Fetch::begin(Remote& remote, Fetches& fetches, client::Request request,
                                           std::string bucket, std::string key,
                                           std::optional<Keeping> keeping) {
  auto state = std::make_shared<State>();
  state->keeping = std::move(keeping);
  request.begun = [state = state.get()](const client::Response& head) { state->begun(head); };
  request.download = [state = state.get(), &fetches](std::string_view bytes) {
    return state->take(bytes, fetches);
  };
  request.cancelled = [&fetches] { return fetches.stopping(); };
  fetches.start([state, &remote, request = std::move(request)]() mutable {
    state->end(remote.send(std::move(request)));
    state->keeping.reset();
  });
  std::unique_lock lock(state->mutex);
  state->changed.wait(lock, [&] { return state->answer.has_value(); });
  if (!*state->answer) return state->answer->error();
  const auto& head = **state->answer;
  if (!good(head)) return remote.refused(head, bucket, key);
  auto fetch = std::shared_ptr<Fetch>(new Fetch(state));
  const auto length = head.header("content-length");
  std::from_chars(length.data(), length.data() + length.size(), fetch->length_);
  return fetch;
}

Fetch::~Fetch() {
  const std::lock_guard lock(state_->mutex);
  state_->reader_gone = true;
  state_->pieces.clear();
  state_->changed.notify_all();
}

Result<std::size_t> Fetch::read(std::span<char> buffer) {
  if (taken_ == piece_.size()) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->ended || !state_->pieces.empty(); });
    if (state_->pieces.empty()) {
      if (state_->failure) return *state_->failure;
      return 0;
    }
    piece_ = std::move(state_->pieces.front());
    state_->pieces.pop_front();
    state_->queued -= piece_.size();
    state_->changed.notify_all();
    taken_ = 0;
  }
  const auto count = std::min(buffer.size(), piece_.size() - taken_);
  std::memcpy(buffer.data(), piece_.data() + taken_, count);
  taken_ += count;
  return count;
}

}  // namespace sagelet::s3::upstream
