#include "server/net/channel.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "server/net/loop.hpp"

namespace sagelet::net {

namespace {

constexpr std::uint64_t kSendfilePiece = 2u << 20;
constexpr std::size_t kTurn = 1u << 20;
constexpr std::size_t kLingerBytes = 4u << 20;
constexpr std::chrono::seconds kLingerTime{2};

/// While corked only full segments go out, until 200 ms have passed: of a file, half-filled ones cost a fifth
/// more. A socket that is no TCP has none.
void cork(int socket, int on) {
  ::setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

}  // namespace

Channel::Channel(Loop& loop, UniqueFd socket)
    : loop_(loop),
      descriptor_(loop.executor(), socket.release()),
      transport_(plain_transport(descriptor_.native_handle())) {
  loop_.add(this);
}

Channel::~Channel() {
  loop_.remove(this);
}

void Channel::start_tls(SslPtr ssl) {
  std::string first(in_.view());
  in_.consume(in_.size());
  transport_ = tls_transport(fd(), std::move(ssl), std::move(first));
}

void Channel::move_deadline() {
  deadline_ = loop_.idle_deadline();
}

void Channel::abort() {
  aborted_ = true;
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
}

Task<bool> Channel::wait(Moved what) {
  if (aborted_) co_return false;
  turn_ = 0;
  const auto kind = what == Moved::kWantRead ? Descriptor::wait_read : Descriptor::wait_write;
  const auto [error] = co_await descriptor_.async_wait(kind, kAwaitError);
  co_return !error && !aborted_;
}

bool Channel::has_had_its_turn(std::size_t bytes) {
  turn_ += bytes;
  return turn_ > kTurn;
}

Task<bool> Channel::yield() {
  turn_ = 0;
  co_await asio::post(loop_.executor(), kAwait);
  co_return !aborted_;
}

Task<Fill> Channel::fill(std::size_t least) {
  Moved wanted = drained_ && is_plain() ? Moved::kWantRead : Moved::kSome;
  for (;;) {
    if (wanted != Moved::kSome) {
      const bool ready = co_await wait(wanted);
      if (!ready) co_return aborted_ ? Fill::kLate : Fill::kBroken;
    }
    const std::span<char> space = in_.space(least);
    const Move move = transport_->read(space);
    drained_ = move.bytes < space.size();
    if (move.what == Moved::kSome) {
      in_.filled(move.bytes);
      if (has_had_its_turn(move.bytes)) {
        const bool goes_on = co_await yield();
        if (!goes_on) co_return Fill::kLate;
      }
      co_return Fill::kBytes;
    }
    if (move.what == Moved::kEnd) co_return Fill::kEnd;
    if (move.what == Moved::kBroken) co_return Fill::kBroken;
    wanted = move.what;
  }
}

Task<bool> Channel::write(std::string_view bytes, bool more) {
  while (!bytes.empty()) {
    const Move move = transport_->write(bytes, more);
    if (move.what == Moved::kSome) {
      bytes.remove_prefix(move.bytes);
      if (has_had_its_turn(move.bytes)) {
        const bool goes_on = co_await yield();
        if (!goes_on) co_return false;
      }
      continue;
    }
    if (move.what == Moved::kEnd || move.what == Moved::kBroken) co_return false;
    move_deadline();
    const bool ready = co_await wait(move.what);
    if (!ready) co_return false;
  }
  co_return true;
}

Task<bool> Channel::send_file(int file, std::uint64_t offset, std::uint64_t length) {
  auto position = static_cast<off_t>(offset);
  cork(fd(), 1);
  while (length > 0) {
    const ssize_t count = ::sendfile(fd(), file, &position, std::min(length, kSendfilePiece));
    if (count > 0) {
      length -= static_cast<std::uint64_t>(count);
      if (has_had_its_turn(static_cast<std::size_t>(count))) {
        const bool goes_on = co_await yield();
        if (!goes_on) co_return false;
      }
      continue;
    }
    if (count == 0) co_return false;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return false;
    move_deadline();
    const bool ready = co_await wait(Moved::kWantWrite);
    if (!ready) co_return false;
  }
  cork(fd(), 0);
  co_return true;
}

Task<void> Channel::linger() {
  end_writing();
  set_deadline(loop_.now() + kLingerTime);
  std::size_t left = kLingerBytes;
  while (left > 0) {
    in_.consume(in_.size());
    const Fill got = co_await fill(16 * 1024);
    if (got != Fill::kBytes) break;
    left -= std::min(left, in_.size());
  }
}

}  // namespace sagelet::net
