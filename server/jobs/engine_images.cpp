#include "server/jobs/engine_images.hpp"

#include "client/docker.hpp"

namespace sagelet::jobs {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kPatience = 1s;  // with an engine that does not answer
constexpr auto kInsist = 20s;   // when the job is lost without its answer
constexpr auto kKeep = 1s;      // an answer: a retry and a burst of jobs ask once
constexpr auto kSilence = 30s;  // until an engine that hung is asked again
constexpr std::size_t kMostKnown = 1000;

}  // namespace

EngineImages::EngineImages(std::function<std::string()> socket)
    : socket_(socket ? std::move(socket) : std::function<std::string()>(client::engine_socket)) {}

std::string EngineImages::socket() const {
  return socket_();
}

std::string EngineImages::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

EngineImages::Answer EngineImages::look(const std::string& image) {
  return look(image, kPatience, false);
}

EngineImages::Answer EngineImages::insist(const std::string& image) {
  return look(image, kInsist, true);
}

EngineImages::Answer EngineImages::look(const std::string& image, std::chrono::milliseconds patience,
                                        bool even_silent) {
  {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (now < silent_until_ && !even_silent) return Answer::kNoEngine;
    if (const auto found = known_.find(image); found != known_.end() && now < found->second.until)
      return found->second.answer;
  }
  std::chrono::milliseconds keep = kKeep;
  const Answer answer = ask(image, patience, keep);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  if (answer == Answer::kNoEngine)
    silent_until_ = steady_clock::now() + keep;
  else
    known_[image] = {answer, steady_clock::now() + keep};
  return answer;
}

EngineImages::Answer EngineImages::ask(const std::string& image, std::chrono::milliseconds patience,
                                       std::chrono::milliseconds& keep) {
  client::Engine engine(socket_());
  engine.set_cancelled([until = steady_clock::now() + patience] { return steady_clock::now() > until; });
  const auto found = engine.image(image);
  if (found) return Answer::kHas;
  const Error& error = found.error();
  if (error.is(ErrorKind::kNotFound) || error.is(ErrorKind::kInvalid)) return Answer::kHasNot;
  // Refused at once costs nothing: an engine that was just started is found by the next job.
  keep = error.is(ErrorKind::kCancelled) || error.is(ErrorKind::kTimeout) ? kSilence : 0s;
  const std::lock_guard lock(mutex_);
  why_ = error.message();
  return Answer::kNoEngine;
}

}  // namespace sagelet::jobs
